// What is said to people beside the board: sentences for screen readers, and a few toasts.
import { type ReadonlySignal, signal } from '@preact/signals-core'

export interface Toast {
  readonly key: number
  readonly text: string
  readonly kind: 'note' | 'error'
}

export interface Notices {
  /** The last sentence for screen readers. */
  readonly spoken: ReadonlySignal<string>
  readonly toasts: ReadonlySignal<readonly Toast[]>
  say(text: string): void
  show(text: string, kind: Toast['kind']): void
  dismiss(key: number): void
}

const SHOWN_MS = 6_000
const MAX_TOASTS = 3

export function createNotices(): Notices {
  const spoken = signal('')
  const toasts = signal<readonly Toast[]>([])
  let count = 0
  const dismiss = (key: number): void => {
    toasts.value = toasts.peek().filter((toast) => toast.key !== key)
  }
  return {
    spoken,
    toasts,
    dismiss,
    say(text) {
      // The same sentence twice is read twice only if the text differs.
      spoken.value = spoken.peek() === text ? `${text}\u00a0` : text
    },
    show(text, kind) {
      const key = ++count
      const others = toasts.peek().filter((toast) => toast.text !== text)
      toasts.value = [...others, { key, text, kind }].slice(-MAX_TOASTS)
      setTimeout(() => dismiss(key), SHOWN_MS)
    },
  }
}
