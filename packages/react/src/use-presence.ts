import { type ReadonlySignal, signal } from '@preact/signals-core'
import { type DependencyList, useMemo, useSyncExternalStore } from 'react'
import { useSignalValue } from './use-signal-value.ts'

/** Who is at a resource: what `join` and `watch` of `@dnr/presence/client` return fits. */
export interface PresenceRoom {
  readonly members: ReadonlySignal<readonly unknown[]>
  leave(): void
}

const nobody = signal<readonly never[]>([])

/**
 * Who is here, for as long as the component is mounted: joins after the first render, leaves at unmount.
 *
 * `room` is `null` until it has joined.
 *
 * @example
 * const { members } = usePresence(() => presence.join(`board/${team}`), [team])
 */
export function usePresence<Room extends PresenceRoom>(
  join: () => Room,
  deps: DependencyList,
): { readonly members: Room['members']['value']; readonly room: Room | null } {
  // oxlint-disable-next-line react/exhaustive-deps -- the caller's dependencies stand for `join`
  const store = useMemo(() => createVisit(join), deps)
  const room = useSyncExternalStore(store.subscribe, store.read, store.read)
  const members = useSignalValue(room?.members ?? nobody)
  return { members, room }
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
