import type { ConnectionState } from '@dnr/client'
import { useConnectionState, useSignalValue } from '@dnr/react'
import { useCallback, useEffect, useState, useSyncExternalStore } from 'react'
import type { Board } from '../model/board.ts'
import { signOut } from '../shell/open-board.ts'

/** Where the connection stands, in words, and what can be done about it. */
export function ConnectionPill({ board }: { readonly board: Board }) {
  const { client, optimistic } = board
  const state = useConnectionState(client)
  const waiting = useSignalValue(optimistic.pendingCount)
  const seconds = useSecondsUntil(state.status === 'waiting' ? state.retryAt : null)
  const { look, text, action } = describe(state, seconds)
  const isStuck = useLasting(waiting > 0, STUCK_MS)
  const isOut = look !== 'live'
  return (
    <div className="pill" data-look={look} role="status" data-testid="connection">
      <span className="pill-dot" />
      <span className="pill-text">{text}</span>
      {waiting > 0 && (isOut || isStuck) && (
        <span className="pill-waiting" data-testid="waiting">
          {waiting === 1 ? '1 change waiting' : `${waiting} changes waiting`}
        </span>
      )}
      {action === 'retry' && (
        <button type="button" className="link" onClick={client.retryNow}>
          Retry now
        </button>
      )}
      {action === 'connect' && (
        <button type="button" className="link" onClick={client.connect}>
          {state.status === 'idle' ? 'Go online' : 'Connect'}
        </button>
      )}
      {action === 'sign-in' && (
        <button type="button" className="link" onClick={signOut}>
          Sign in again
        </button>
      )}
    </div>
  )
}

interface Description {
  readonly look: 'live' | 'trying' | 'off'
  readonly text: string
  readonly action?: 'retry' | 'connect' | 'sign-in'
}

function describe(state: ConnectionState, seconds: number): Description {
  switch (state.status) {
    case 'ready':
      return { look: 'live', text: 'Live' }
    case 'connecting':
    case 'authenticating':
      return { look: 'trying', text: state.attempt > 1 ? 'Reconnecting' : 'Connecting' }
    case 'waiting':
      return { look: 'trying', text: `Retrying in ${seconds} s`, action: 'retry' }
    case 'idle':
      return { look: 'off', text: 'Offline', action: 'connect' }
    case 'suspended':
      return { look: 'off', text: 'Asleep' }
    case 'needs-auth':
      return { look: 'off', text: 'Signed out', action: 'sign-in' }
    case 'closed':
      return { look: 'off', text: 'Disconnected', action: 'connect' }
  }
}

/** A dead network is noticed late, a busy server answers late; most writes are done long before. */
const STUCK_MS = 2_000

/** Has something been so for a while, without a break? */
function useLasting(isSo: boolean, whileMs: number): boolean {
  const [hasLasted, setLasted] = useState(false)
  useEffect(() => {
    if (!isSo) return
    const timer = setTimeout(() => setLasted(true), whileMs)
    return () => {
      clearTimeout(timer)
      setLasted(false)
    }
  }, [isSo, whileMs])
  return isSo && hasLasted
}

const TICK_MS = 250

/** Whole seconds until a time, counted down. */
function useSecondsUntil(at: number | null): number {
  const isCounting = at !== null
  const subscribe = useCallback(
    (notify: () => void) => {
      const timer = isCounting ? setInterval(notify, TICK_MS) : undefined
      return () => clearInterval(timer)
    },
    [isCounting],
  )
  const ticks = useSyncExternalStore(subscribe, () => (isCounting ? Math.floor(Date.now() / TICK_MS) : 0))
  return at === null ? 0 : Math.max(1, Math.ceil((at - ticks * TICK_MS) / 1_000))
}
