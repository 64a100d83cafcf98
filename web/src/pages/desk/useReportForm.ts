import { computed, reactive, ref, shallowRef, watch } from 'vue'
import { api, ApiError } from '@/api/client'
import type { CallerAccount, CallerLookup, Candidate, Category, Duplicate, Extent, Location, LonLat, NewReport, Report } from '@/api/types'
import { toldOf } from '@/place/useCandidates'

export const CATEGORIES: Category[] = ['no_water', 'low_pressure', 'leak', 'water_quality', 'other']
export const EXTENTS: Extent[] = ['only_me', 'building', 'street', 'unknown']

/** Shortest number worth asking about, digits. */
const PHONE_DIGITS_MIN = 5
const LOOKUP_WAIT_MS = 350
const LOCATE_WAIT_MS = 400

interface Form {
  phone: string
  name: string
  accountNo: string | null
  address: string
  /** Which of the places offered for the address is meant. */
  candidate: Candidate | null
  point: LonLat | null
  category: Category | null
  extent: Extent
  notes: string
}

const blank = (): Form => ({
  phone: '',
  name: '',
  accountNo: null,
  address: '',
  candidate: null,
  point: null,
  category: null,
  extent: 'unknown',
  notes: '',
})

/** What the agent types while the caller speaks; one id for one call, so that sending twice takes it once. */
export function useReportForm() {
  const form = reactive<Form>(blank())
  const clientId = ref(crypto.randomUUID())
  const caller = ref<CallerLookup | null>(null)
  const callerError = ref<unknown>(null)
  const location = ref<Location | null>(null)
  const locateError = ref<unknown>(null)
  /** Open incidents it is probably about, the likeliest first. */
  const known = shallowRef<Duplicate[]>([])
  const saving = ref(false)
  const error = ref<unknown>(null)
  const saved = ref<Report | null>(null)
  let lookupTimer: number | undefined
  let locateTimer: number | undefined

  const account = computed<CallerAccount | null>(
    () => caller.value?.accounts.find((one) => one.account_no === form.accountNo) ?? null,
  )
  const hasPlace = computed(() => form.point !== null || form.accountNo !== null || form.address.trim() !== '')
  const ready = computed(() => form.category !== null && !saving.value)

  async function lookUp(): Promise<void> {
    window.clearTimeout(lookupTimer)
    const phone = form.phone.trim()
    if (phone.replace(/\D/g, '').length < PHONE_DIGITS_MIN) {
      caller.value = null
      return
    }
    try {
      const answer = await api.post<CallerLookup>('/api/callers/lookup', { phone })
      if (form.phone.trim() !== phone) return
      caller.value = answer
      callerError.value = null
      const [only] = answer.accounts
      if (only && answer.accounts.length === 1) choose(only)
    } catch (refusal) {
      callerError.value = refusal
    }
  }

  function choose(chosen: CallerAccount): void {
    form.accountNo = chosen.account_no
    form.name = chosen.name ?? form.name
    form.address = chosen.address_text ?? form.address
    form.candidate = null
    form.point = null
    location.value = chosen.location
    if (!chosen.location) void locate()
  }

  function notHere(): void {
    form.accountNo = null
    form.address = ''
    form.candidate = null
    location.value = null
  }

  function question(): object | null {
    if (form.point) return { point: form.point }
    if (form.accountNo) return { account_no: form.accountNo }
    const text = form.address.trim()
    return text ? { text, ...(form.candidate && toldOf(form.candidate)) } : null
  }

  async function locate(): Promise<void> {
    window.clearTimeout(locateTimer)
    const asked = question()
    if (!asked) {
      location.value = null
      locateError.value = null
      return
    }
    try {
      const answer = await api.post<Location>('/api/locate', asked)
      if (JSON.stringify(question()) !== JSON.stringify(asked)) return
      location.value = answer
      locateError.value = null
    } catch (refusal) {
      location.value = null
      locateError.value = refusal instanceof ApiError ? refusal : null
    }
  }

  function typedAddress(): void {
    form.accountNo = null
    form.candidate = null
    form.point = null
    window.clearTimeout(locateTimer)
    locateTimer = window.setTimeout(locate, LOCATE_WAIT_MS)
  }

  function chooseCandidate(one: Candidate): void {
    form.accountNo = null
    form.address = one.text
    form.candidate = one
    form.point = null
    void locate()
  }

  /** A place put down by hand is the place, whosever account the caller has. */
  function putPoint(place: LonLat): void {
    form.accountNo = null
    form.candidate = null
    form.point = place
    void locate()
  }

  /** What is probably known already of this place and matter; a hint, so that a refusal only leaves it empty. */
  async function lookForKnown(): Promise<void> {
    const [place, category, accountNo] = [location.value, form.category, form.accountNo]
    const isAsked = () => location.value === place && form.category === category && form.accountNo === accountNo
    if (!place || !category) {
      known.value = []
      return
    }
    const { point, segment_id, confidence } = place
    const asked = { point, segment_id, confidence, category, account_no: accountNo }
    try {
      const answer = await api.post<{ items: Duplicate[] }>('/api/duplicates', asked)
      if (isAsked()) known.value = answer.items
    } catch {
      if (isAsked()) known.value = []
    }
  }

  async function save(): Promise<Report | null> {
    if (!ready.value || form.category === null) return null
    saving.value = true
    error.value = null
    const body: NewReport = {
      client_id: clientId.value,
      channel: 'phone',
      category: form.category,
      description: form.notes.trim(),
      caller: { ...(form.name.trim() && { name: form.name.trim() }), ...(form.phone.trim() && { phone: form.phone.trim() }) },
      extent: form.extent,
    }
    if (form.accountNo) body.account_no = form.accountNo
    if (form.address.trim()) body.address_text = form.address.trim()
    if (form.point) body.point = form.point
    if (form.candidate) Object.assign(body, toldOf(form.candidate))
    try {
      const report = await api.post<Report>('/api/reports', body)
      reset()
      saved.value = report
      return report
    } catch (refusal) {
      error.value = refusal
      return null
    } finally {
      saving.value = false
    }
  }

  function reset(): void {
    Object.assign(form, blank())
    clientId.value = crypto.randomUUID()
    caller.value = null
    location.value = null
    callerError.value = locateError.value = error.value = null
    saved.value = null
  }

  watch([location, () => form.category, () => form.accountNo], lookForKnown)
  watch(
    () => form.phone,
    () => {
      window.clearTimeout(lookupTimer)
      lookupTimer = window.setTimeout(lookUp, LOOKUP_WAIT_MS)
    },
  )

  return {
    form, caller, callerError, account, location, locateError, known, saving, error, saved, hasPlace, ready,
    choose, chooseCandidate, notHere, locate, typedAddress, putPoint, save, reset,
  }
}
