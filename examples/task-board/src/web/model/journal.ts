// What "Under the hood" lists: events as they arrive, and what a reconnect brought.
import type { RealtimeClient } from '@dnr/client'
import { effect, type ReadonlySignal, signal } from '@preact/signals-core'
import type { Entities } from '../../shared/task.ts'

export type JournalEntry = { readonly key: number } & (
  | {
      readonly kind: 'event'
      readonly offset: number
      /** `created`, `updated`, `deleted`, or why it came: `entered`, `left`. */
      readonly what: string
      readonly mutationId: string | null
      /** From the server's sending to here, by its own clock. */
      readonly latencyMs: number
    }
  | { readonly kind: 'line'; readonly text: string }
)

type Written = JournalEntry extends infer Entry
  ? Entry extends { key: number }
    ? Omit<Entry, 'key'>
    : never
  : never

export interface Journal {
  readonly entries: ReadonlySignal<readonly JournalEntry[]>
  stop(): void
}

const MAX_ENTRIES = 100
/** A replay is over when nothing came for this long. */
const QUIET_MS = 250

export interface JournalOptions {
  readonly client: RealtimeClient<Entities>
  /** The status of the rows: what comes after `stale` was missed. */
  readonly status: ReadonlySignal<string>
  isOwn(mutationId: string): boolean
}

export function createJournal({ client, status, isOwn }: JournalOptions): Journal {
  const entries = signal<readonly JournalEntry[]>([])
  let count = 0
  const write = (entry: Written): void => {
    entries.value = [{ ...entry, key: ++count } as JournalEntry, ...entries.peek()].slice(0, MAX_ENTRIES)
  }
  const line = (text: string): void => write({ kind: 'line', text })

  let wasStale = false
  const recovery = { count: 0, startedMark: 0, timer: undefined as ReturnType<typeof setTimeout> | undefined }
  const settleLater = (tookMs: number): void => {
    clearTimeout(recovery.timer)
    recovery.timer = setTimeout(() => {
      const changes = recovery.count === 1 ? '1 change' : `${recovery.count} changes`
      line(recovery.count === 0 ? 'reconnected, nothing was missed' : `recovered ${changes} in ${tookMs} ms`)
      recovery.timer = undefined
    }, QUIET_MS)
  }
  const sinceReady = (): number => Math.max(1, Math.round(performance.now() - recovery.startedMark))

  const stops = [
    client.on('message', (message) => {
      if (!message.type.startsWith('entity:') || !('position' in message) || !('payload' in message)) return
      const { type, timestamp, position } = message
      const { reason, mutationId } = message as { readonly reason?: string; readonly mutationId?: string }
      const latencyMs = Math.max(0, Math.round(Date.now() + client.serverTimeOffsetMs - timestamp))
      const offset = position?.offset ?? 0
      write({
        kind: 'event',
        offset,
        what: reason ?? type.slice(7),
        mutationId: mutationId ?? null,
        latencyMs,
      })
      if (mutationId === undefined || !isOwn(mutationId)) recovery.count++
      if (recovery.timer !== undefined) settleLater(sinceReady())
    }),
    client.on('resynced', ({ position }) => {
      wasStale = false
      line(`the log no longer reaches back: read anew at #${position.offset}`)
    }),
    effect(() => {
      if (status.value === 'live' && wasStale) settleLater(sinceReady())
      wasStale = status.value === 'stale'
    }),
    effect(() => {
      const state = client.state.value
      if (state.status === 'ready') {
        recovery.count = 0
        recovery.startedMark = performance.now()
        queueMicrotask(() => line('connected'))
      } else if (state.status === 'waiting')
        queueMicrotask(() => line(`connection lost: ${state.cause.message}`))
    }),
  ]
  return {
    entries,
    stop() {
      clearTimeout(recovery.timer)
      for (const stop of stops) stop()
    },
  }
}
