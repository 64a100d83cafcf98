import { onBeforeUnmount, ref, watch } from 'vue'
import { api, query } from '@/api/client'
import type { Escalation, EscalationDetail, Page } from '@/api/types'
import type { Deed, Filter } from './escalations'

const IDLE_MS = 20_000

/** The list that is shown, the one that is open, and what is done with it. */
export function useEscalations() {
  const escalations = ref<Escalation[]>([])
  const loaded = ref(false)
  const listError = ref<unknown>(null)
  const filter = ref<Filter>('open')
  const chosen = ref<string | null>(new URLSearchParams(location.search).get('escalation'))
  const detail = ref<EscalationDetail | null>(null)
  const detailError = ref<unknown>(null)
  const acting = ref(false)
  let timer = 0
  let ended = false

  async function loadDetail(): Promise<void> {
    const wanted = chosen.value
    if (wanted === null) return
    try {
      const answer = await api.get<EscalationDetail>(`/api/escalations/${wanted}`)
      if (chosen.value !== wanted) return
      detail.value = answer
      detailError.value = null
    } catch (refusal) {
      if (chosen.value === wanted) detailError.value = refusal
    }
  }

  async function load(): Promise<void> {
    window.clearTimeout(timer)
    const wanted = filter.value
    try {
      const answer = await api.get<Page<Escalation>>(`/api/escalations${query({ show: wanted })}`)
      if (filter.value !== wanted) return
      escalations.value = answer.items
      listError.value = null
      chosen.value ??= answer.items[0]?.id ?? null
    } catch (refusal) {
      listError.value = refusal
    }
    loaded.value = true
    await loadDetail()
    if (!ended) timer = window.setTimeout(load, IDLE_MS)
  }

  async function act(deed: Deed, body: Record<string, string>): Promise<boolean> {
    const id = chosen.value
    if (id === null || acting.value) return false
    acting.value = true
    try {
      detail.value = await api.post<EscalationDetail>(`/api/escalations/${id}/${deed}`, body)
      detailError.value = null
      await load()
      return true
    } catch (refusal) {
      detailError.value = refusal
      return false
    } finally {
      acting.value = false
    }
  }

  function step(by: number): void {
    const at = escalations.value.findIndex((one) => one.id === chosen.value)
    const next = escalations.value[Math.min(escalations.value.length - 1, Math.max(0, at + by))]
    if (next) chosen.value = next.id
  }

  watch(filter, () => {
    escalations.value = []
    loaded.value = false
    void load()
  })
  watch(chosen, (id) => {
    const search = new URLSearchParams(location.search)
    if (id === null) search.delete('escalation')
    else search.set('escalation', id)
    history.replaceState(null, '', `${location.pathname}?${search.toString()}`)
    if (detail.value?.id !== id) {
      detail.value = null
      detailError.value = null
      void loadDetail()
    }
  })
  onBeforeUnmount(() => {
    ended = true
    window.clearTimeout(timer)
  })
  return { escalations, loaded, listError, filter, chosen, detail, detailError, acting, load, loadDetail, act, step }
}
