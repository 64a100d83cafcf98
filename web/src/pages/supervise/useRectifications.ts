import { onBeforeUnmount, onMounted, ref, watch } from 'vue'
import { api, query } from '@/api/client'
import type { Page, Rectification, RectificationDetail } from '@/api/types'
import type { CaseFilter, Step } from './rectifications'

const IDLE_MS = 30_000

/** The list of cases, the one that is open, and its steps. */
export function useRectifications() {
  const cases = ref<Rectification[]>([])
  const loaded = ref(false)
  const listError = ref<unknown>(null)
  const filter = ref<CaseFilter>('living')
  const chosen = ref<string | null>(null)
  const detail = ref<RectificationDetail | null>(null)
  const detailError = ref<unknown>(null)
  const acting = ref(false)
  let timer = 0
  let ended = false

  async function loadDetail(): Promise<void> {
    const wanted = chosen.value
    if (wanted === null) return
    try {
      const answer = await api.get<RectificationDetail>(`/api/rectifications/${wanted}`)
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
    const asked = wanted === 'overdue' ? { is_overdue: 'true' } : { state: wanted }
    try {
      const answer = await api.get<Page<Rectification>>(`/api/rectifications${query(asked)}`)
      if (filter.value !== wanted) return
      cases.value = answer.items
      listError.value = null
      chosen.value ??= answer.items[0]?.id ?? null
    } catch (refusal) {
      listError.value = refusal
    }
    loaded.value = true
    await loadDetail()
    if (!ended) timer = window.setTimeout(load, IDLE_MS)
  }

  /** Gives the refusal, or null when the step was taken. */
  async function act(step: Step, body: Record<string, unknown>): Promise<unknown> {
    if (chosen.value === null || acting.value) return null
    acting.value = true
    try {
      detail.value = await api.post<RectificationDetail>(`/api/rectifications/${chosen.value}/${step}`, body)
      await load()
      return null
    } catch (refusal) {
      return refusal
    } finally {
      acting.value = false
    }
  }

  watch(filter, () => {
    cases.value = []
    loaded.value = false
    chosen.value = null
    void load()
  })
  watch(chosen, () => {
    detail.value = null
    detailError.value = null
    void loadDetail()
  })
  onMounted(load)
  onBeforeUnmount(() => {
    ended = true
    window.clearTimeout(timer)
  })
  return { cases, loaded, listError, filter, chosen, detail, detailError, acting, load, loadDetail, act }
}
