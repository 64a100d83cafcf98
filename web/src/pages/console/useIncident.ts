import { computed, ref, type Ref, watch } from 'vue'
import { api } from '@/api/client'
import type { IncidentDetail, IsolationPlan, RankedCrew, RankedCrews } from '@/api/types'
import { useOverview } from '@/stores/overview'

/** How long changes may gather before the open incident is read again. */
const GATHER_MS = 400

/** The open incident with all its details, kept fresh by the live stream. */
export function useIncident(id: Ref<string | null>) {
  const overview = useOverview()
  const detail = ref<IncidentDetail | null>(null)
  const ranked = ref<RankedCrew[] | null>(null)
  const plan = ref<IsolationPlan | null>(null)
  const error = ref<unknown>(null)
  const rankError = ref<unknown>(null)
  let timer: number | undefined

  async function load(): Promise<void> {
    const wanted = id.value
    if (!wanted) return
    try {
      const answer = await api.get<IncidentDetail>(`/api/incidents/${wanted}`)
      if (id.value !== wanted) return
      detail.value = answer
      if (answer.plan) plan.value = answer.plan
      error.value = null
    } catch (refusal) {
      if (id.value === wanted) error.value = refusal
    }
  }

  async function rank(): Promise<void> {
    const wanted = id.value
    if (!wanted) return
    try {
      const answer = await api.get<RankedCrews>(`/api/incidents/${wanted}/crews`)
      if (id.value !== wanted) return
      ranked.value = answer.ranked
      rankError.value = null
    } catch (refusal) {
      if (id.value === wanted) rankError.value = refusal
    }
  }

  function soon(): void {
    window.clearTimeout(timer)
    timer = window.setTimeout(load, GATHER_MS)
  }

  watch(
    id,
    () => {
      detail.value = null
      ranked.value = null
      plan.value = null
      error.value = rankError.value = null
      void load()
    },
    { immediate: true },
  )
  watch(
    () => [overview.changes.incident, overview.changes.work_order],
    () => {
      if (id.value) soon()
    },
  )

  const openWorkOrder = computed(
    () => detail.value?.work_orders.find((order) => ['proposed', 'scheduled', 'under_way', 'suspended'].includes(order.state)) ?? null,
  )
  return { detail, ranked, plan, error, rankError, openWorkOrder, load, rank }
}
