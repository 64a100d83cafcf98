import { ref, watchEffect } from 'vue'

export type Language = 'zh' | 'en'
export type Theme = 'dark' | 'light'
/** How coordinates are read and written; those of China's maps are shifted. */
export type ReadDatum = 'wgs84' | 'gcj02' | 'bd09'
export const DATUMS: readonly ReadDatum[] = ['wgs84', 'gcj02', 'bd09']

const LANGUAGE_KEY = 'mainline.language'
const THEME_KEY = 'mainline.theme'
const DATUM_KEY = 'mainline.datum'

function stored<T extends string>(key: string, allowed: readonly T[], otherwise: T): T {
  const value = localStorage.getItem(key)
  return allowed.find((one) => one === value) ?? otherwise
}

/** What this browser was told last; the person's own language follows after log-in. */
export const language = ref<Language>(stored(LANGUAGE_KEY, ['zh', 'en'], 'zh'))
export const theme = ref<Theme>(stored(THEME_KEY, ['dark', 'light'], 'dark'))
export const datum = ref<ReadDatum>(stored(DATUM_KEY, DATUMS, 'wgs84'))

watchEffect(() => localStorage.setItem(DATUM_KEY, datum.value))

watchEffect(() => {
  localStorage.setItem(LANGUAGE_KEY, language.value)
  document.documentElement.lang = language.value === 'zh' ? 'zh-CN' : 'en'
})

watchEffect(() => {
  localStorage.setItem(THEME_KEY, theme.value)
  document.documentElement.dataset.theme = theme.value
  document.documentElement.classList.toggle('dark', theme.value === 'dark')
})

export function reducedMotion(): boolean {
  return window.matchMedia('(prefers-reduced-motion: reduce)').matches
}
