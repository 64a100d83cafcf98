import { defineStore } from 'pinia'
import { shallowRef } from 'vue'

/** A step that can be taken back for a while. */
export interface Step {
  text: string
  back: () => Promise<unknown>
}

/** The last step that can be taken back, whichever part of the page made it. */
export const useUndo = defineStore('undo', () => {
  const step = shallowRef<Step | null>(null)

  function offer(next: Step): void {
    step.value = next
  }

  function forget(): void {
    step.value = null
  }

  async function takeBack(): Promise<void> {
    const last = step.value
    step.value = null
    await last?.back()
  }

  return { step, offer, forget, takeBack }
})
