import { type ReadonlySignal, signal } from '@preact/signals-core'
import { createDeferred } from '@dnr/internal'
import type { DnrError } from '@dnr/protocol'
import type { SubscriptionStatus } from './wire-subscription.ts'

/** How a subscription stands, as its users see it. */
export interface Liveness {
  readonly status: ReadonlySignal<SubscriptionStatus>
  /** Why the status is `failed`. */
  readonly error: ReadonlySignal<DnrError | null>
  /** Resolves at the first `live`, rejects at `failed`; never an unhandled rejection. */
  readonly ready: Promise<void>
}

export function createLiveness(): Liveness & {
  enter(status: SubscriptionStatus, error: DnrError | null): void
} {
  const status = signal<SubscriptionStatus>('loading')
  const error = signal<DnrError | null>(null)
  const { promise, resolve, reject } = createDeferred()
  promise.catch(() => {})
  return {
    status,
    error,
    ready: promise,
    enter(next, cause) {
      error.value = cause
      status.value = next
      if (next === 'live') resolve()
      else if (cause) reject(cause)
    },
  }
}
