import { computed, ref, shallowRef } from 'vue'
import { api } from '@/api/client'
import type { HydraulicCheck, Isolation, LonLat } from '@/api/types'

export interface StuckValve {
  id: string
  code: string
  point: LonLat | null
}

/** What shutting a main takes and does, worked out anew with every valve that will not turn. */
export function useIsolation() {
  const pipe = ref<string | null>(null)
  const stuck = ref<StuckValve[]>([])
  const plan = shallowRef<Isolation | null>(null)
  const error = ref<unknown>(null)
  const check = shallowRef<HydraulicCheck | null>(null)
  const checkError = ref<unknown>(null)
  const checking = ref(false)
  /** Only the answer to the latest question counts. */
  let asked = 0

  function query(): string {
    const query = new URLSearchParams({ pipe_id: pipe.value ?? '' })
    for (const valve of stuck.value) query.append('inoperable', valve.id)
    return query.toString()
  }

  async function load(): Promise<void> {
    const mine = ++asked
    check.value = null
    checkError.value = null
    try {
      const answer = await api.get<Isolation>(`/api/network/isolation?drawn=true&${query()}`)
      if (mine !== asked) return
      plan.value = answer
      error.value = null
    } catch (refusal) {
      if (mine === asked) error.value = refusal
    }
  }

  function begin(id: string): void {
    if (pipe.value !== id) {
      stuck.value = []
      plan.value = null
    }
    pipe.value = id
    void load()
  }

  function toggle(id: string, code: string): void {
    if (!pipe.value) return
    const before = stuck.value.length
    stuck.value = stuck.value.filter((valve) => valve.id !== id)
    if (stuck.value.length === before) {
      const point = plan.value?.valves_to_close.find((valve) => valve.id === id)?.point ?? null
      stuck.value = [...stuck.value, { id, code, point }]
    }
    void load()
  }

  function end(): void {
    asked += 1
    pipe.value = null
    stuck.value = []
    plan.value = check.value = null
    error.value = checkError.value = null
  }

  async function runCheck(): Promise<void> {
    const mine = asked
    checking.value = true
    checkError.value = null
    try {
      const answer = await api.post<HydraulicCheck>(`/api/network/isolation/check?${query()}`)
      if (mine === asked) check.value = answer
    } catch (refusal) {
      if (mine === asked) checkError.value = refusal
    } finally {
      checking.value = false
    }
  }

  const isOn = computed(() => pipe.value !== null)
  return { isOn, stuck, plan, error, check, checkError, checking, load, begin, toggle, end, runCheck }
}
