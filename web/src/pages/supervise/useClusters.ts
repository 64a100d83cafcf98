import { computed, onBeforeUnmount, onMounted, ref, shallowRef } from 'vue'
import { api } from '@/api/client'
import type { Clusters, PressureZone, Rate, RateGroup } from '@/api/types'
import { inOrder, isAlive, worst } from './clusters'

const IDLE_MS = 60_000
const HOUR_MS = 3_600_000
const PLAY_MS = 400

/** The last seven days, and the hour of them that is looked at. */
export function useClusters() {
  const found = shallowRef<Clusters | null>(null)
  const zones = shallowRef<PressureZone[]>([])
  const error = ref<unknown>(null)
  const group = ref<RateGroup>('all')
  /** Hours back from the latest, so that the latest stays the latest while time goes on. */
  const back = ref(0)
  const isPlaying = ref(false)
  let idle = 0
  let play = 0
  let ended = false

  const hours = computed(() => found.value?.hours ?? [])
  const last = computed(() => Math.max(0, hours.value.length - 1))
  const at = computed({
    get: () => Math.max(0, last.value - back.value),
    set: (index) => {
      back.value = last.value - Math.min(last.value, Math.max(0, index))
    },
  })
  const hour = computed(() => hours.value[at.value] ?? null)
  const ratesByHour = computed(() => {
    const table = new Map<string, Rate[]>()
    for (const rate of found.value?.rates ?? []) {
      if (rate.group !== group.value) continue
      const listed = table.get(rate.hour)
      if (listed) listed.push(rate)
      else table.set(rate.hour, [rate])
    }
    return table
  })
  const rates = computed(() => inOrder(ratesByHour.value.get(hour.value?.hour ?? '') ?? []))
  const incidents = computed(() => {
    const since = Date.parse(hour.value?.hour ?? '')
    return (found.value?.incidents ?? []).filter((one) => isAlive(one, since, since + HOUR_MS))
  })
  /** All zones together, hour by hour. */
  const course = computed(() =>
    hours.value.map(({ hour: one }) => {
      const listed = ratesByHour.value.get(one) ?? []
      return { count: listed.reduce((sum, rate) => sum + rate.count, 0), verdict: worst(listed) }
    }),
  )

  async function load(): Promise<void> {
    window.clearTimeout(idle)
    try {
      if (zones.value.length === 0) zones.value = (await api.get<{ items: PressureZone[] }>('/api/clusters/zones')).items
      found.value = await api.get<Clusters>('/api/clusters')
      error.value = null
    } catch (refusal) {
      error.value = refusal
    }
    if (!ended) idle = window.setTimeout(load, IDLE_MS)
  }

  function step(by: number): void {
    at.value = at.value + by
  }

  function stop(): void {
    isPlaying.value = false
    window.clearInterval(play)
  }

  /** From the hour looked at to the latest; at the end, from the beginning. */
  function toggle(): void {
    if (isPlaying.value) {
      stop()
      return
    }
    if (back.value === 0) at.value = 0
    isPlaying.value = true
    play = window.setInterval(() => {
      step(1)
      if (back.value === 0) stop()
    }, PLAY_MS)
  }

  onMounted(load)
  onBeforeUnmount(() => {
    ended = true
    window.clearTimeout(idle)
    stop()
  })
  return { found, zones, error, group, hours, at, last, hour, rates, incidents, course, isPlaying, load, step, toggle, stop }
}
