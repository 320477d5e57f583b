import { type DependencyList, useMemo, useSyncExternalStore } from 'react'

/** Something that is opened and closed again; opened twice for a moment, it is shared. */
export interface Closable {
  close(): void
}

/**
 * Opens something for as long as the component is mounted, anew when `deps` change.
 *
 * It is opened once while rendering, so that rows which are known already are in the first frame, and let go at once: a render
 * that React throws away keeps nothing open. The effect opens it for good, within the time that its owner lets it linger.
 */
export function useOpened<View extends Closable>(open: () => View, deps: DependencyList): View {
  // oxlint-disable-next-line react/exhaustive-deps -- the caller's dependencies stand for `open`
  const store = useMemo(() => createOpened(open), deps)
  return useSyncExternalStore(store.subscribe, store.read, store.read)
}

function createOpened<View extends Closable>(open: () => View) {
  let view = open()
  view.close()
  return {
    read: () => view,
    subscribe(notify: () => void) {
      const own = open()
      view = own
      notify()
      return () => own.close()
    },
  }
}
