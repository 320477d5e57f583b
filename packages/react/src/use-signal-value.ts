import type { ReadonlySignal } from '@preact/signals-core'
import { useCallback, useSyncExternalStore } from 'react'

/**
 * The value of a signal, rendered anew when it changes.
 *
 * @example
 * const pending = useSignalValue(optimistic.pendingCount)
 */
export function useSignalValue<Value>(signal: ReadonlySignal<Value>): Value {
  const subscribe = useCallback(
    (notify: () => void) => {
      let isFirst = true // a signal calls at once, with what was just rendered
      return signal.subscribe(() => {
        if (!isFirst) notify()
        isFirst = false
      })
    },
    [signal],
  )
  const read = useCallback(() => signal.peek(), [signal])
  return useSyncExternalStore(subscribe, read, read)
}
