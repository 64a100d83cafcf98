import { useI18n } from 'vue-i18n'
import { now } from '@/clock'
import { clockSpan, useFormat } from '@/format'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
/** Spans from here on are told in days. */
const DAYS_FROM_MS = 2 * DAY_MS

/** Deadlines as people read them. */
export function useDue() {
  const { t } = useI18n()
  const { dateTime } = useFormat()

  /** The midnight that ends a day belongs to it: 24th, 23:59. */
  function dueAt(iso: string): string {
    const at = new Date(iso)
    const isMidnight = at.getHours() === 0 && at.getMinutes() === 0
    return dateTime(isMidnight ? at.getTime() - MINUTE_MS : at.getTime())
  }

  function left(iso: string): string {
    const span = Date.parse(iso) - now.value
    const size = Math.abs(span)
    const words = size >= DAYS_FROM_MS ? t('supervise.days', { n: Math.floor(size / DAY_MS) }) : clockSpan(size)
    return t(span < 0 ? 'supervise.lateBy' : 'supervise.left', { span: words })
  }
  return { dueAt, left }
}
