import { computed } from 'vue'
import { useI18n } from 'vue-i18n'

/** 12:40, or 1:02:09 from an hour on; a minus sign when the time has passed. */
export function clockSpan(milliseconds: number): string {
  const total = Math.floor(Math.abs(milliseconds) / 1000)
  const pad = (value: number) => String(value).padStart(2, '0')
  const hours = Math.floor(total / 3600)
  const rest = `${pad(Math.floor((total % 3600) / 60))}:${pad(total % 60)}`
  return `${milliseconds < 0 ? '−' : ''}${hours > 0 ? `${hours}:` : ''}${rest}`
}

/** Numbers, times and lengths in the reader's language, each with its unit. */
export function useFormat() {
  const { locale, t } = useI18n()
  const tag = computed(() => (locale.value === 'zh' ? 'zh-CN' : 'en-GB'))
  const number = (value: number, digits = 0) =>
    value.toLocaleString(tag.value, { maximumFractionDigits: digits, minimumFractionDigits: digits })
  return {
    number,
    time: (iso: string | number) =>
      new Date(iso).toLocaleTimeString(tag.value, { hour: '2-digit', minute: '2-digit', hour12: false }),
    timeSeconds: (at: number) =>
      new Date(at).toLocaleTimeString(tag.value, { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false }),
    dateTime: (iso: string | number) =>
      new Date(iso).toLocaleString(tag.value, {
        month: '2-digit',
        day: '2-digit',
        hour: '2-digit',
        minute: '2-digit',
        hour12: false,
      }),
    metres: (value: number) =>
      value < 1000 ? t('unit.m', { n: number(Math.round(value)) }) : t('unit.km', { n: number(value / 1000, 1) }),
    minutes: (seconds: number) => t('unit.min', { n: number(Math.max(1, Math.round(seconds / 60))) }),
    speed: (mps: number) => t('unit.kmh', { n: number(mps * 3.6) }),
    percent: (share: number) => t('unit.percent', { n: number(share * 100) }),
  }
}
