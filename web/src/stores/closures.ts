import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import { api, query } from '@/api/client'
import type { LonLat, RoadClosure } from '@/api/types'
import { now } from '@/clock'

/** What is closed: an area drawn, or a circle round a place. */
export type Where = { polygon: GeoJSON.Polygon | GeoJSON.MultiPolygon } | { point: LonLat; radius_m: number }
export type NewClosure = Where & Terms
type Terms = Pick<RoadClosure, 'cause' | 'reason' | 'ends_at'> & Partial<Pick<RoadClosure, 'subject_id' | 'slowdown' | 'starts_at'>>

export interface Sketch {
  ring: LonLat[]
  corners: LonLat[]
}
export const NO_SKETCH: Sketch = { ring: [], corners: [] }

/** Others close and lift roads too: the list is read again this often. */
const AGAIN_MS = 60_000

/** Roads that are shut, as everybody sees them. */
export const useClosures = defineStore('closures', () => {
  const items = shallowRef<RoadClosure[]>([])
  const isLoaded = ref(false)
  const error = ref<unknown>(null)
  /** The area being drawn, and its corners where they are set one by one. */
  const sketch = shallowRef<Sketch>(NO_SKETCH)
  let timer: number | undefined

  const inForce = computed(() =>
    items.value.filter((one) => Date.parse(one.starts_at) <= now.value && (one.ends_at === null || Date.parse(one.ends_at) > now.value)),
  )

  async function load(): Promise<void> {
    try {
      // From now on: those in force and those ahead.
      const path = `/api/roads/closures${query({ starts_at: new Date(now.value).toISOString() })}`
      const found = await api.get<{ items: RoadClosure[] }>(path)
      items.value = found.items.filter((one) => one.lifted_at === null)
      isLoaded.value = true
      error.value = null
    } catch (refusal) {
      error.value = refusal
    }
  }

  function start(): void {
    if (timer !== undefined) return
    void load()
    timer = window.setInterval(() => void load(), AGAIN_MS)
  }

  async function close(wanted: NewClosure): Promise<RoadClosure> {
    const made = await api.post<RoadClosure>('/api/roads/closures', wanted)
    sketch.value = NO_SKETCH
    await load()
    return made
  }

  async function lift(id: string): Promise<void> {
    await api.post(`/api/roads/closures/${id}/lift`)
    await load()
  }

  /** A lifted closure is history and stays so: taking the lifting back closes the same roads again. */
  async function closeAgain(one: RoadClosure): Promise<void> {
    const { area, cause, subject_id, reason, slowdown, starts_at, ends_at } = one
    const isAhead = Date.parse(starts_at) > now.value
    await close({ polygon: area, cause, subject_id, reason, slowdown, ends_at, ...(isAhead && { starts_at }) })
  }

  return { items, inForce, isLoaded, error, sketch, load, start, close, lift, closeAgain }
})
