import type { ReadonlySignal } from '@preact/signals-core'
import { useSignalValue } from './use-signal-value.ts'

/**
 * Where the connection stands, why, and when the next try is.
 *
 * @example
 * const state = useConnectionState(client)
 * return state.status === 'waiting' ? <button onClick={client.retryNow}>Retry</button> : null
 */
export function useConnectionState<State>(client: { readonly state: ReadonlySignal<State> }): State {
  return useSignalValue(client.state)
}
