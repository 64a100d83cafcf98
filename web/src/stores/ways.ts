import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import { api } from '@/api/client'
import type { Cover, LonLat, Reach, Way } from '@/api/types'
import { REACH_MINUTES } from '@/map/palette'
import { language } from '@/preferences'

export interface End {
  place: LonLat
  name: string
}

/** Questions to the roads: one way, how far one gets in time, and where nobody gets in time. One answer is drawn at a time. */
export const useWays = defineStore('ways', () => {
  const from = shallowRef<End | null>(null)
  const to = shallowRef<End | null>(null)
  const way = shallowRef<Way | null>(null)
  const reach = shallowRef<Reach | null>(null)
  /** Driving to the place rather than from it. */
  const isTowards = ref(true)
  const cover = shallowRef<Cover | null>(null)
  const coverMinutes = ref(REACH_MINUTES[2] as number)
  const coverCrews = ref(0)
  const error = ref<unknown>(null)
  const isAsking = ref(false)
  let asking: AbortController | null = null
  let question: (() => Promise<void>) | null = null

  function clear(): void {
    asking?.abort()
    asking = null
    question = null
    isAsking.value = false
    from.value = to.value = null
    way.value = null
    reach.value = null
    cover.value = null
    error.value = null
  }

  /** Ask for one of them; only the answer to the latest question counts. */
  async function ask<T>(path: string, body: object): Promise<T | null> {
    asking?.abort()
    const mine = new AbortController()
    asking = mine
    way.value = null
    reach.value = null
    cover.value = null
    error.value = null
    isAsking.value = true
    try {
      const answer = await api.post<T>(path, body, mine.signal)
      return asking === mine ? answer : null
    } catch (refusal) {
      if (asking === mine) error.value = refusal
      return null
    } finally {
      if (asking === mine) isAsking.value = false
    }
  }

  async function route(start: End, goal: End): Promise<void> {
    question = () => route(start, goal)
    from.value = start
    to.value = goal
    way.value = await ask<Way>('/api/roads/route', { from: start.place, to: goal.place, language: language.value })
  }

  /** The roads changed under the answer. */
  async function again(): Promise<void> {
    await question?.()
  }

  async function showReach(place: LonLat, towards: boolean): Promise<void> {
    question = () => showReach(place, towards)
    from.value = to.value = null
    isTowards.value = towards
    reach.value = await ask<Reach>('/api/roads/reach', { point: place, minutes: REACH_MINUTES, towards })
  }

  async function showCover(crews: LonLat[], minutes: number): Promise<void> {
    question = () => showCover(crews, minutes)
    from.value = to.value = null
    coverMinutes.value = minutes
    coverCrews.value = crews.length
    cover.value = await ask<Cover>('/api/roads/cover', { points: crews, minutes })
  }

  const isShown = computed(() => way.value !== null || reach.value !== null || cover.value !== null)
  return {
    from, to, way, reach, isTowards, cover, coverMinutes, coverCrews, error, isAsking, isShown,
    clear, route, again, showReach, showCover,
  }
})
