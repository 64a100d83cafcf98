import { ref, watch } from 'vue'
import { GROUPS, type Group } from './style'

const KEY = 'mainline.layers'
export const ALL_GROUPS = Object.keys(GROUPS) as Group[]

function remembered(): Set<Group> {
  const hidden = new Set((localStorage.getItem(KEY) ?? '').split(','))
  return new Set(ALL_GROUPS.filter((group) => !hidden.has(group)))
}

/** What the reader wants to see; remembered by this browser. */
export const shownGroups = ref<Set<Group>>(remembered())

export function toggleGroup(group: Group): void {
  const next = new Set(shownGroups.value)
  if (!next.delete(group)) next.add(group)
  shownGroups.value = next
}

watch(shownGroups, (shown) => {
  localStorage.setItem(KEY, ALL_GROUPS.filter((group) => !shown.has(group)).join(','))
})
