import { ref } from 'vue'
import { api } from './api/client'
import type { Clock } from './api/types'

/** The server's time of the trade: epoch and pace, read again every minute. */
const base = { server: Date.now(), here: performance.now(), factor: 1 }

/** Milliseconds since 1970 by the server's clock; ticks twice a second. */
export const now = ref(Date.now())
export const factor = ref(1)

export function serverNow(): number {
  return base.server + (performance.now() - base.here) * base.factor
}

async function read(): Promise<void> {
  const asked = performance.now()
  const clock = await api.get<Clock>('/api/clock')
  const here = (asked + performance.now()) / 2
  Object.assign(base, { server: Date.parse(clock.now), here, factor: clock.factor })
  factor.value = clock.factor
  now.value = serverNow()
}

let started = false

export function startClock(): void {
  if (started) return
  started = true
  const quietly = () => void read().catch(() => undefined) // the next reading comes in a minute; meanwhile it keeps its pace
  quietly()
  setInterval(quietly, 60_000)
  setInterval(() => {
    now.value = serverNow()
  }, 500)
}
