import { defineStore } from 'pinia'
import { ref, shallowRef } from 'vue'
import type { Candidate, LonLat } from '@/api/types'

/** The place being looked at, and the places that what was typed may mean. */
export const usePin = defineStore('pin', () => {
  const place = shallowRef<LonLat | null>(null)
  /** What the place was called when it was chosen; dragging makes it another place. */
  const name = ref('')
  const candidates = shallowRef<Candidate[]>([])
  /** Which of the candidates the reader stands on. */
  const at = ref(0)
  let taker: (candidate: Candidate) => void = () => undefined

  /** Show candidates on the map; `take` gets the one that is clicked there. */
  function offer(found: Candidate[], take: (candidate: Candidate) => void): void {
    candidates.value = found
    at.value = 0
    taker = take
  }

  function choose(index: number): void {
    const one = candidates.value[index]
    if (one) taker(one)
  }

  function drop(where: LonLat, called = ''): void {
    place.value = where
    name.value = called
    candidates.value = []
  }

  function lift(): void {
    place.value = null
    name.value = ''
    candidates.value = []
  }

  return { place, name, candidates, at, offer, choose, drop, lift }
})
