import { computed, onBeforeUnmount, ref, type Ref, shallowRef, watch } from 'vue'
import { useI18n } from 'vue-i18n'
import { api } from '@/api/client'
import type { IncidentOnMap, LikelyPlace, RingAnswer, RingBacks } from '@/api/types'
import { useSession } from '@/stores/session'

/** How long changes may gather before the picture is worked out anew. */
const GATHER_MS = 600

/** Where the chosen incident is probably broken and whom to ring about it, kept fresh by the live stream; the panel does not wait for it. */
export function useWhereabouts(selected: Ref<IncidentOnMap | null>) {
  const session = useSession()
  const { locale } = useI18n()
  const picture = shallowRef<LikelyPlace | null>(null)
  const error = ref<unknown>(null)
  const ringBacks = shallowRef<RingBacks | null>(null)
  const ringError = ref<unknown>(null)
  /** The customer being rung. */
  const ringing = ref<string | null>(null)
  const noting = ref(false)
  const noteError = ref<unknown>(null)
  const id = computed(() => selected.value?.id ?? null)
  const mayRing = computed(() => session.may('ring_backs.make'))
  let timer: number | undefined
  /** Only the answers to the latest questions count. */
  let asked = new AbortController()

  async function ask<T>(what: string, into: Ref<T | null>, failed: Ref<unknown>, signal: AbortSignal): Promise<void> {
    try {
      const answer = await api.get<T>(`/api/incidents/${id.value}/${what}`, signal)
      if (signal.aborted) return
      into.value = answer
      failed.value = null
    } catch (refusal) {
      if (!signal.aborted) failed.value = refusal
    }
  }

  async function load(): Promise<void> {
    window.clearTimeout(timer)
    asked.abort()
    asked = new AbortController()
    if (id.value === null) return
    await Promise.all([
      ask('whereabouts', picture, error, asked.signal),
      mayRing.value ? ask('ring-backs', ringBacks, ringError, asked.signal) : undefined,
    ])
  }

  function soon(): void {
    window.clearTimeout(timer)
    timer = window.setTimeout(load, GATHER_MS)
  }

  /** Begin with the customer whose answer teaches most, then go to the next. */
  function ringNext(): void {
    const wanted = ringBacks.value?.to_ring ?? []
    const at = wanted.findIndex((one) => one.customer_account_id === ringing.value)
    ring(wanted[(at + 1) % wanted.length]?.customer_account_id ?? null)
  }

  function ring(account: string | null): void {
    noteError.value = null
    ringing.value = account
  }

  async function note(answer: RingAnswer): Promise<void> {
    const [incident, account] = [id.value, ringing.value]
    if (!incident || !account || noting.value) return
    noting.value = true
    noteError.value = null
    try {
      const next = await api.post<RingBacks>(`/api/incidents/${incident}/ring-backs`, { customer_account_id: account, answer })
      if (id.value !== incident) return
      ringBacks.value = next
      ringing.value = null
      await load()
    } catch (refusal) {
      if (id.value === incident) noteError.value = refusal
    } finally {
      noting.value = false
    }
  }

  watch(
    [id, mayRing],
    () => {
      picture.value = ringBacks.value = null
      error.value = ringError.value = null
      ring(null)
      void load()
    },
    { immediate: true },
  )
  // The stream puts a new line for an incident whenever something of it changed.
  watch([selected, locale], ([now], [before]) => {
    if (now && now.id === before?.id) soon()
  })
  onBeforeUnmount(() => {
    window.clearTimeout(timer)
    asked.abort()
  })

  return { picture, error, ringBacks, ringError, ringing, noting, noteError, mayRing, load, ring, ringNext, note }
}
