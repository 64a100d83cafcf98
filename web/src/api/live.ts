import { ref, type Ref } from 'vue'
import { refreshLogin } from './client'

export type LiveState = 'connecting' | 'live' | 'stale' | 'refused'

export interface LiveStream {
  state: Ref<LiveState>
  /** Real time of the last message, milliseconds of `performance.now()`. */
  heardAt: Ref<number>
  close(): void
}

/** Without a ping for this long the picture is called old. */
const STALE_MS = 5_000
const RETRY_MS = 2_000

/**
 * Listen to `/api/live`. The browser sends `Last-Event-ID` by itself while one EventSource lives; a stream that was
 * refused (log-in over) is opened anew after a refresh, and the server then sends a snapshot.
 */
export function openLive(handlers: Record<string, (value: never) => void>): LiveStream {
  const state = ref<LiveState>('connecting')
  const heardAt = ref(performance.now())
  let source: EventSource | null = null
  let closed = false
  let retry: number | undefined

  const heard = () => {
    heardAt.value = performance.now()
    state.value = 'live'
  }

  function open(): void {
    source = new EventSource('/api/live')
    source.addEventListener('ping', heard)
    for (const [name, handle] of Object.entries(handlers)) {
      source.addEventListener(name, (event) => {
        heard()
        handle(JSON.parse((event as MessageEvent<string>).data) as never)
      })
    }
    source.onerror = () => {
      if (closed || source?.readyState !== EventSource.CLOSED) return
      source.close()
      retry = window.setTimeout(async () => {
        if (!(await refreshLogin())) state.value = 'refused'
        open()
      }, RETRY_MS)
    }
  }
  open()

  const watch = window.setInterval(() => {
    if (state.value === 'live' && performance.now() - heardAt.value > STALE_MS) state.value = 'stale'
  }, 500)

  return {
    state,
    heardAt,
    close() {
      closed = true
      source?.close()
      window.clearInterval(watch)
      window.clearTimeout(retry)
    },
  }
}
