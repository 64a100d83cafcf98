import { computed, onBeforeUnmount, ref, watch } from 'vue'
import { api } from '@/api/client'
import type { NetworkVersion, NetworkVersionDetail, Page } from '@/api/types'

/** While a worker reads or publishes, and otherwise: colleagues work here too. */
const BUSY_MS = 1000
const IDLE_MS = 15_000

export type VersionAction = 'publish' | 'go-back' | 'discard' | 'take-up' | 'compare'

/** The list of versions and the one that is open, kept fresh while something is under way. */
export function useVersions() {
  const versions = ref<NetworkVersion[]>([])
  const loaded = ref(false)
  const listError = ref<unknown>(null)
  const chosen = ref<number | null>(Number(new URLSearchParams(location.search).get('version')) || null)
  const detail = ref<NetworkVersionDetail | null>(null)
  const detailError = ref<unknown>(null)
  const acting = ref(false)
  let timer: number | undefined
  let ended = false

  const underWay = (one: NetworkVersion) => one.state === 'reading' || one.is_publishing
  const busy = computed(() => versions.value.some(underWay))

  async function loadDetail(): Promise<void> {
    const wanted = chosen.value
    if (wanted === null) return
    try {
      const answer = await api.get<NetworkVersionDetail>(`/api/network/versions/${wanted}`)
      if (chosen.value !== wanted) return
      detail.value = answer
      detailError.value = null
    } catch (refusal) {
      if (chosen.value === wanted) detailError.value = refusal
    }
  }

  async function load(): Promise<void> {
    window.clearTimeout(timer)
    const before = versions.value.find((one) => one.number === chosen.value)
    try {
      versions.value = (await api.get<Page<NetworkVersion>>('/api/network/versions')).items
      listError.value = null
      chosen.value ??= versions.value[0]?.number ?? null
    } catch (refusal) {
      listError.value = refusal
    }
    loaded.value = true
    const after = versions.value.find((one) => one.number === chosen.value)
    const moved = before?.state !== after?.state || before?.is_publishing !== after?.is_publishing
    if (moved || detail.value === null) await loadDetail()
    if (!ended) timer = window.setTimeout(load, busy.value ? BUSY_MS : IDLE_MS)
  }

  /** Do something with the open version; the answer is the version to look at next. */
  async function act(action: VersionAction): Promise<boolean> {
    const number = chosen.value
    if (number === null || acting.value) return false
    acting.value = true
    try {
      const answer = await api.post<NetworkVersionDetail>(`/api/network/versions/${number}/${action}`)
      chosen.value = answer.number
      detail.value = answer
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
    const at = versions.value.findIndex((one) => one.number === chosen.value)
    const next = versions.value[Math.min(versions.value.length - 1, Math.max(0, at + by))]
    if (next) chosen.value = next.number
  }

  watch(chosen, (number) => {
    const search = new URLSearchParams(location.search)
    if (number === null) search.delete('version')
    else search.set('version', String(number))
    history.replaceState(null, '', `${location.pathname}?${search.toString()}`)
    if (detail.value?.number !== number) {
      detail.value = null
      detailError.value = null
      void loadDetail()
    }
  })
  onBeforeUnmount(() => {
    ended = true
    window.clearTimeout(timer)
  })
  return { versions, loaded, listError, chosen, detail, detailError, acting, load, loadDetail, act, step }
}
