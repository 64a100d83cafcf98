import { ref, watch } from 'vue'
import { api, query } from '@/api/client'
import type { Escalation, EscalationDetail, Page } from '@/api/types'
import { useListed } from '@/useListed'
import type { Deed, Filter } from './escalations'

const IDLE_MS = 20_000

/** The escalations that are shown, the one that is open, and what is done with it. */
export function useEscalations() {
  const filter = ref<Filter>('open')
  const { items, act, begin, ...listed } = useListed<Escalation, EscalationDetail, string>({
    keyOf: (one) => one.id,
    keyOfDetail: (detail) => detail.id,
    list: async () => (await api.get<Page<Escalation>>(`/api/escalations${query({ show: filter.value })}`)).items,
    read: (id) => api.get(`/api/escalations/${id}`),
    idleMs: () => IDLE_MS,
    first: new URLSearchParams(location.search).get('escalation'),
    remembered: 'escalation',
  })
  watch(filter, begin)

  const done = (deed: Deed, body: Record<string, string>) => act((id) => api.post(`/api/escalations/${id}/${deed}`, body))
  return { ...listed, escalations: items, filter, act: done }
}
