import { type ReadonlySignal, signal } from '@preact/signals-core'
import { type DependencyList, useMemo, useSyncExternalStore } from 'react'
import { useSignalValue } from './use-signal-value.ts'

/** Who is at a resource: what `join` and `watch` of `@dnr/presence/client` return fits. */
export interface PresenceRoom {
  readonly members: ReadonlySignal<readonly unknown[]>
  readonly error: ReadonlySignal<unknown>
  leave(): void
}

const nobody = signal<readonly never[]>([])
const nothing = signal(null)

/**
 * Who is here, for as long as the component is mounted: joins after the first render, leaves at unmount.
 *
 * `room` is `null` until it has joined; `error` says why one is not seen there.
 *
 * @example
 * const { members } = usePresence(() => presence.join(`board/${team}`), [team])
 */
export function usePresence<Room extends PresenceRoom>(
  join: () => Room,
  deps: DependencyList,
): {
  readonly members: Room['members']['value']
  readonly error: Room['error']['value'] | null
  readonly room: Room | null
} {
  // oxlint-disable-next-line react/exhaustive-deps -- the caller's dependencies stand for `join`
  const store = useMemo(() => createVisit(join), deps)
  const room = useSyncExternalStore(store.subscribe, store.read, store.read)
  const members = useSignalValue(room?.members ?? nobody)
  const error = useSignalValue(room?.error ?? nothing)
  return { members, error, room }
}

/** Nothing happens while rendering: to join is to be seen by others. */
function createVisit<Room extends { leave(): void }>(join: () => Room) {
  let room: Room | null = null
  return {
    read: () => room,
    subscribe(notify: () => void) {
      const own = join()
      room = own
      notify()
      return () => {
        room = null
        own.leave()
      }
    },
  }
}
