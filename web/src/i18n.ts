import { watch } from 'vue'
import { createI18n } from 'vue-i18n'
import en from './locales/en.json'
import zh from './locales/zh.json'
import { language } from './preferences'

export const i18n = createI18n({
  legacy: false,
  locale: language.value,
  fallbackLocale: false,
  missingWarn: import.meta.env.DEV,
  fallbackWarn: false,
  messages: { zh, en },
})

watch(language, (next) => {
  i18n.global.locale.value = next
})
