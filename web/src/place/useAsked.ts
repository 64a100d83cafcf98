import { onScopeDispose, ref, shallowRef, watch } from 'vue'
import { api } from '@/api/client'

/**
 * The answer to a question that changes, such as one about a pin being dragged.
 *
 * It is asked when the question has rested for `waitMs`; asking anew ends the one before, and a question that is `null` has no
 * answer. The last answer stays while the next is awaited, so that a panel does not flicker.
 */
export function useAsked<T>(question: () => string | null, waitMs: number) {
  const answer = shallowRef<T | null>(null)
  const error = ref<unknown>(null)
  const isAsking = ref(false)
  let timer: number | undefined
  let asking: AbortController | null = null

  function stop(): void {
    window.clearTimeout(timer)
    asking?.abort()
    asking = null
    isAsking.value = false
  }

  async function ask(path: string): Promise<void> {
    const mine = new AbortController()
    asking = mine
    try {
      const found = await api.get<T>(path, mine.signal)
      if (asking !== mine) return
      answer.value = found
      error.value = null
    } catch (refusal) {
      if (asking !== mine) return
      answer.value = null
      error.value = refusal
    }
    isAsking.value = false
  }

  function again(): void {
    stop()
    const path = question()
    if (path === null) {
      answer.value = null
      error.value = null
      return
    }
    isAsking.value = true
    timer = window.setTimeout(() => void ask(path), waitMs)
  }

  watch(question, again, { immediate: true })
  onScopeDispose(stop)
  return { answer, error, isAsking, again }
}
