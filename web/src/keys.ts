import { onBeforeUnmount, onMounted } from 'vue'

const TEXT_FIELDS = 'input:not([type=radio]):not([type=checkbox]):not([type=range]), textarea, select, [contenteditable=true]'

export function isTyping(target: EventTarget | null): boolean {
  return target instanceof Element && target.matches(TEXT_FIELDS)
}

/**
 * Keys of a page. A plain key works outside text fields; `mod+…` (Ctrl or ⌘) and `alt+…` everywhere.
 * Nothing happens while a dialog is open, which has keys of its own.
 */
export function useKeys(table: Record<string, (event: KeyboardEvent) => void>): void {
  function onKey(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.isComposing) return
    if ([...document.querySelectorAll('[role=dialog][aria-modal=true]')].some((dialog) => dialog.checkVisibility())) return
    const held = `${event.ctrlKey || event.metaKey ? 'mod+' : ''}${event.altKey ? 'alt+' : ''}`
    if (held === '' && event.key !== 'Escape' && isTyping(event.target)) return
    // A focused button or link keeps Enter and Space for itself.
    if (event.key === 'Enter' && held === '' && event.target instanceof Element && event.target.matches('button, a')) return
    const handle = table[held + (event.key.length === 1 ? event.key.toLowerCase() : event.key)]
    if (!handle) return
    event.preventDefault()
    handle(event)
  }
  onMounted(() => window.addEventListener('keydown', onKey))
  onBeforeUnmount(() => window.removeEventListener('keydown', onKey))
}
