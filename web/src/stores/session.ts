import { defineStore } from 'pinia'
import { computed, ref } from 'vue'
import { ApiError, api, goToLogin } from '@/api/client'
import type { Me } from '@/api/types'
import { language, type Language } from '@/preferences'

export const useSession = defineStore('session', () => {
  const me = ref<Me | null>(null)
  const may = computed(() => (operation: string) => me.value?.operations.includes(operation) ?? false)

  async function load(): Promise<Me> {
    const person = await api.get<Me>('/api/me')
    me.value = person
    language.value = person.language
    return person
  }

  async function logIn(username: string, password: string): Promise<void> {
    await api.post('/api/login', { username, password })
  }

  async function logOut(): Promise<void> {
    try {
      await api.post('/api/logout')
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
    }
    me.value = null
    location.assign('/login')
  }

  /** Shown at once; kept with the person when the server takes it. */
  async function speak(next: Language): Promise<void> {
    language.value = next
    if (me.value === null) return
    me.value = { ...me.value, language: next }
    await api.patch('/api/me', { language: next }).catch(() => undefined)
  }

  return { me, may, load, logIn, logOut, speak, goToLogin }
})
