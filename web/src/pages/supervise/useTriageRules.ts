import { computed, onBeforeUnmount, onMounted, reactive, ref, shallowRef } from 'vue'
import { api } from '@/api/client'
import type { TriageRules, TriageSetting, TriageTrial } from '@/api/types'

const LOOK_MS = 1000

/** What is set about triage, what it is changed to, and what the change would have done. */
export function useTriageRules() {
  const rules = shallowRef<TriageRules | null>(null)
  const error = ref<unknown>(null)
  /** By key; '' while a number is being typed. */
  const values = reactive<Record<string, number | ''>>({})
  const trial = shallowRef<TriageTrial | null>(null)
  const trialError = ref<unknown>(null)
  const saving = ref(false)
  let look = 0
  let ended = false

  const settings = computed(() => rules.value?.items ?? [])
  const isFine = (one: TriageSetting): boolean => {
    const value = values[one.key]
    return typeof value === 'number' && value >= one.least && value <= one.most && (value - one.least) % one.step === 0
  }
  const allFine = computed(() => settings.value.every(isFine))
  const changed = computed(() => settings.value.some((one) => values[one.key] !== one.value))
  /** As the server keeps them: what differs from the defaults. */
  const differing = computed(() =>
    Object.fromEntries(settings.value.filter((one) => values[one.key] !== one.default).map((one) => [one.key, values[one.key] as number])),
  )
  const isTrying = computed(() => trial.value?.state === 'waiting' || trial.value?.state === 'running')
  /** Whether the trial is of the numbers that are shown. */
  const isOfThese = computed(() => {
    const tried = trial.value?.values ?? {}
    return settings.value.every((one) => (tried[one.key] ?? one.default) === values[one.key])
  })

  /** Keep numbers that are being changed, unless they are to be taken back. */
  function take(found: TriageRules, anew: boolean): void {
    rules.value = found
    for (const one of found.items) if (anew || !(one.key in values)) values[one.key] = one.value
  }

  async function load(): Promise<void> {
    try {
      take(await api.get<TriageRules>('/api/triage/rules'), false)
      error.value = null
    } catch (refusal) {
      error.value = refusal
    }
  }

  async function save(why: string): Promise<void> {
    saving.value = true
    try {
      take(await api.put<TriageRules>('/api/triage/rules', { values: differing.value, why }), true)
    } finally {
      saving.value = false
    }
  }

  async function tryOut(days: number): Promise<void> {
    window.clearTimeout(look)
    trialError.value = null
    try {
      trial.value = await api.post<TriageTrial>('/api/triage/trials', { values: differing.value, days })
      look = window.setTimeout(follow, LOOK_MS)
    } catch (refusal) {
      trialError.value = refusal
    }
  }

  async function follow(): Promise<void> {
    const one = trial.value
    if (!one || ended) return
    try {
      trial.value = await api.get<TriageTrial>(`/api/triage/trials/${one.id}`)
      trialError.value = null
    } catch (refusal) {
      trialError.value = refusal
    }
    if (!ended && isTrying.value) look = window.setTimeout(follow, LOOK_MS)
  }

  onMounted(load)
  onBeforeUnmount(() => {
    ended = true
    window.clearTimeout(look)
  })
  return { rules, error, values, settings, isFine, allFine, changed, trial, trialError, isTrying, isOfThese, saving, load, save, tryOut }
}
