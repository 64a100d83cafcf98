import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import type { LonLat } from '@/api/types'

/** A click on the map that somebody waits for: while it is, clicks choose nothing else. */
export const usePicking = defineStore('picking', () => {
  const taker = shallowRef<((place: LonLat) => void) | null>(null)
  const hint = ref('')
  const isOn = computed(() => taker.value !== null)

  /** `take` gets every click until `end`. */
  function begin(why: string, take: (place: LonLat) => void): void {
    hint.value = why
    taker.value = take
  }

  function end(): void {
    taker.value = null
    hint.value = ''
  }

  return { isOn, hint, begin, end, take: (place: LonLat) => taker.value?.(place) }
})
