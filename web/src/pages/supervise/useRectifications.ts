import { onMounted, ref, watch } from 'vue'
import { api, query } from '@/api/client'
import type { Page, Rectification, RectificationDetail } from '@/api/types'
import { useListed } from '@/useListed'
import type { CaseFilter, Step } from './rectifications'

const IDLE_MS = 30_000

/** The rectifications that are shown, the one that is open, and its steps. */
export function useRectifications() {
  const filter = ref<CaseFilter>('living')
  const asked = () => (filter.value === 'overdue' ? { is_overdue: 'true' } : { state: filter.value })
  const { items, act, begin, ...listed } = useListed<Rectification, RectificationDetail, string>({
    keyOf: (one) => one.id,
    keyOfDetail: (detail) => detail.summary.id,
    list: async () => (await api.get<Page<Rectification>>(`/api/rectifications${query(asked())}`)).items,
    read: (id) => api.get(`/api/rectifications/${id}`),
    idleMs: () => IDLE_MS,
  })
  watch(filter, () => {
    listed.chosen.value = null
    begin()
  })
  onMounted(listed.load)

  const take = (step: Step, body: Record<string, unknown>) => act((id) => api.post(`/api/rectifications/${id}/${step}`, body))
  return { ...listed, cases: items, filter, act: take }
}
