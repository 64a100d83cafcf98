import './styles/index.css'
import { createPinia } from 'pinia'
import { type Component, createApp } from 'vue'
import { i18n } from './i18n'
import './preferences'

/** Every page begins the same way. */
export function startPage(page: Component): void {
  createApp(page).use(createPinia()).use(i18n).mount('#app')
}
