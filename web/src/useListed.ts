import { onBeforeUnmount, type Ref, ref, shallowRef, watch } from 'vue'

interface How<One, Detail, Key extends string | number> {
  keyOf: (one: One) => Key
  keyOfDetail: (detail: Detail) => Key
  list: () => Promise<One[]>
  read: (key: Key) => Promise<Detail>
  /** How long until the list is asked for again. */
  idleMs: (items: One[]) => number
  /** Which one is open at first. */
  first?: Key | null
  /** The word of the page's address that keeps which one is open. */
  remembered?: string
  /** Whether the open one is to be read again with the list; always, unless said. */
  isMoved?: (before: One | undefined, after: One | undefined) => boolean
}

/** A list that is asked for again and again, and the one of it that is open. */
export function useListed<One, Detail, Key extends string | number>(how: How<One, Detail, Key>) {
  const items = shallowRef<One[]>([])
  const loaded = ref(false)
  const listError = ref<unknown>(null)
  const chosen = ref(how.first ?? null) as Ref<Key | null>
  const detail = shallowRef<Detail | null>(null)
  const detailError = ref<unknown>(null)
  const acting = ref(false)
  let timer = 0
  let round = 0
  let ended = false

  const open = () => items.value.find((one) => how.keyOf(one) === chosen.value)

  async function loadDetail(): Promise<void> {
    const wanted = chosen.value
    if (wanted === null) return
    try {
      const answer = await how.read(wanted)
      if (chosen.value !== wanted) return
      detail.value = answer
      detailError.value = null
    } catch (refusal) {
      if (chosen.value === wanted) detailError.value = refusal
    }
  }

  async function load(): Promise<void> {
    window.clearTimeout(timer)
    const mine = round
    const before = open()
    try {
      const answer = await how.list()
      if (mine !== round) return
      items.value = answer
      listError.value = null
      const [one] = answer
      if (one !== undefined) chosen.value ??= how.keyOf(one)
    } catch (refusal) {
      if (mine !== round) return
      listError.value = refusal
    }
    loaded.value = true
    if (detail.value === null || (how.isMoved?.(before, open()) ?? true)) await loadDetail()
    if (!ended && mine === round) {
      window.clearTimeout(timer)
      timer = window.setTimeout(load, how.idleMs(items.value))
    }
  }

  /** Another list is wanted from now on. */
  function begin(): void {
    round += 1
    items.value = []
    loaded.value = false
    void load()
  }

  /** Do something with the open one; the answer is what to look at next. Gives whether it was done; if not, `detailError` says why. */
  async function act(send: (key: Key) => Promise<Detail>): Promise<boolean> {
    if (chosen.value === null || acting.value) return false
    acting.value = true
    try {
      const answer = await send(chosen.value)
      chosen.value = how.keyOfDetail(answer)
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

  /** Take the reason why something was not done, so that it is told where it was asked for. */
  function takeRefusal(): unknown {
    const refusal = detailError.value
    detailError.value = null
    return refusal
  }

  function step(by: number): void {
    const at = items.value.findIndex((one) => how.keyOf(one) === chosen.value)
    const next = items.value[Math.min(items.value.length - 1, Math.max(0, at + by))]
    if (next !== undefined) chosen.value = how.keyOf(next)
  }

  watch(chosen, (key) => {
    if (how.remembered !== undefined) {
      const search = new URLSearchParams(location.search)
      if (key === null) search.delete(how.remembered)
      else search.set(how.remembered, String(key))
      history.replaceState(null, '', `${location.pathname}?${search.toString()}`)
    }
    if (detail.value === null || how.keyOfDetail(detail.value) !== key) {
      detail.value = null
      detailError.value = null
      void loadDetail()
    }
  })
  onBeforeUnmount(() => {
    ended = true
    window.clearTimeout(timer)
  })
  return { items, loaded, listError, chosen, detail, detailError, acting, load, loadDetail, begin, act, takeRefusal, step }
}
