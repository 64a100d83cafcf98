import { computed, onScopeDispose, ref, shallowRef } from 'vue'
import { api, query } from '@/api/client'
import type { Candidate, LonLat } from '@/api/types'
import { datum } from '@/preferences'
import { readCoordinates, writeCoordinates } from './coordinates'
import { toWgs84 } from './datums'

const WAIT_MS = 160
const LETTERS_MIN = 2

/** How well a person puts something on a map; nothing offered is known better. */
const ERROR_LEAST_M = 5
const ERROR_MOST_M = 10_000

/** What tells the server which of the places offered is meant: its words may mean others, too. */
export function toldOf(one: Candidate): { address_id: string } | { point: LonLat; accuracy_m: number; street: string } {
  if (one.address_id !== null) return { address_id: one.address_id }
  const accuracy = Math.min(Math.max(one.error_m, ERROR_LEAST_M), ERROR_MOST_M)
  return { point: one.point, accuracy_m: accuracy, street: one.street }
}

/** Places meant by what is being typed: two numbers are read here, anything else is asked of the server, the latest question only. */
export function useCandidates(most: number) {
  const text = ref('')
  const found = shallowRef<Candidate[]>([])
  const error = ref<unknown>(null)
  const isAsking = ref(false)
  let timer: number | undefined
  let asking: AbortController | null = null

  const readings = computed(() => readCoordinates(text.value))
  const candidates = computed<Candidate[]>(() =>
    readings.value.length
      ? readings.value.map((reading) => ({
          text: writeCoordinates(reading),
          kind: 'coordinates' as const,
          point: toWgs84(reading, datum.value),
          confidence: 1,
          error_m: 0,
          street: '',
          district: null,
          address_id: null,
        }))
      : found.value,
  )

  function stop(): void {
    window.clearTimeout(timer)
    asking?.abort()
    asking = null
    isAsking.value = false
  }

  async function ask(q: string): Promise<void> {
    const mine = new AbortController()
    asking = mine
    try {
      const page = await api.get<{ items: Candidate[] }>(`/api/addresses/suggest${query({ q, limit: most })}`, mine.signal)
      if (asking !== mine) return
      found.value = page.items
      error.value = null
    } catch (refusal) {
      if (asking !== mine) return
      found.value = []
      error.value = refusal
    }
    isAsking.value = false
  }

  function type(typed: string): void {
    stop()
    text.value = typed.trim()
    if (text.value.length < LETTERS_MIN || readings.value.length) {
      found.value = []
      error.value = null
      return
    }
    isAsking.value = true
    timer = window.setTimeout(() => void ask(text.value), WAIT_MS)
  }

  function again(): void {
    type(text.value)
  }

  onScopeDispose(stop)
  return { candidates, error, isAsking, areCoordinates: computed(() => readings.value.length > 0), type, again }
}
