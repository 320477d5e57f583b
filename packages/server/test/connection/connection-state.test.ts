import { expect, test } from 'vitest'
import {
  type ConnectionEffect,
  type ConnectionEvent,
  type ConnectionState,
  MAX_RENEWING_BYTES,
  MAX_WAITING_FRAMES,
  newConnection,
  transition,
} from '../../src/connection/connection-state.ts'

const ann = { id: 'ann' }
type Status = 'authenticating' | 'renewing' | 'open' | 'closing' | 'closed'

const states: Record<Status, ConnectionState> = {
  authenticating: { ...newConnection, waiting: ['early'], waitingBytes: 5 } as ConnectionState,
  renewing: { status: 'authenticating', welcomed: true, principal: ann, waiting: [], waitingBytes: 0 },
  open: { status: 'open', principal: ann },
  closing: { status: 'closing', code: 4401, reason: 'unauthorized' },
  closed: { status: 'closed', code: 1006 },
}

const events: { [Type in ConnectionEvent['type']]: Extract<ConnectionEvent, { type: Type }> } = {
  frame: { type: 'frame', text: 'f', byteLength: 1 },
  auth: { type: 'auth' },
  accepted: { type: 'accepted', principal: ann },
  refused: { type: 'refused', code: 4401, reason: 'token_expired' },
  close: { type: 'close', code: 4503, reason: 'draining' },
  gone: { type: 'gone', code: 1006 },
}

interface Expected {
  readonly status: ConnectionState['status']
  readonly effects: readonly ConnectionEffect['type'][]
}
const nothing = (status: ConnectionState['status']): Expected => ({ status, effects: [] })

const table: Record<Status, Record<ConnectionEvent['type'], Expected>> = {
  authenticating: {
    frame: nothing('authenticating'),
    auth: nothing('authenticating'),
    accepted: { status: 'open', effects: ['welcome', 'handle'] },
    refused: { status: 'closing', effects: ['close'] },
    close: { status: 'closing', effects: ['close'] },
    gone: { status: 'closed', effects: ['release'] },
  },
  renewing: {
    frame: nothing('authenticating'),
    auth: nothing('authenticating'),
    accepted: { status: 'open', effects: ['welcome-back'] },
    refused: { status: 'closing', effects: ['close'] },
    close: { status: 'closing', effects: ['close'] },
    gone: { status: 'closed', effects: ['release'] },
  },
  open: {
    frame: { status: 'open', effects: ['handle'] },
    auth: nothing('authenticating'),
    accepted: nothing('open'),
    refused: nothing('open'),
    close: { status: 'closing', effects: ['close'] },
    gone: { status: 'closed', effects: ['release'] },
  },
  closing: {
    frame: nothing('closing'),
    auth: nothing('closing'),
    accepted: nothing('closing'),
    refused: nothing('closing'),
    close: nothing('closing'),
    gone: { status: 'closed', effects: ['release'] },
  },
  closed: {
    frame: nothing('closed'),
    auth: nothing('closed'),
    accepted: nothing('closed'),
    refused: nothing('closed'),
    close: nothing('closed'),
    gone: nothing('closed'),
  },
}

const cells = Object.entries(table).flatMap(([status, row]) =>
  Object.entries(row).map(
    ([type, expected]) => [status as Status, type as ConnectionEvent['type'], expected] as const,
  ),
)

test.each(cells)('%s, %s', (status, type, expected) => {
  const { state, effects } = transition(states[status], events[type])
  expect({ status: state.status, effects: effects.map((effect) => effect.type) }).toEqual(expected)
})

test('keeps at most 16 frames waiting', () => {
  let state: ConnectionState = newConnection
  for (let frame = 0; frame < MAX_WAITING_FRAMES; frame++) state = transition(state, events.frame).state
  expect(state.status).toBe('authenticating')
  expect(transition(state, events.frame).state).toEqual({
    status: 'closing',
    code: 4429,
    reason: 'rate_limited',
  })
})

test('keeps at most 64 KiB waiting', () => {
  const big = transition(newConnection, { type: 'frame', text: '', byteLength: 65_536 }).state
  expect(big.status).toBe('authenticating')
  expect(transition(big, events.frame).state.status).toBe('closing')
})

test('keeps 1 MiB waiting while a session is renewed, in however many frames, and one frame of any length', () => {
  let state: ConnectionState = states.renewing
  for (let frame = 0; frame < 1_000; frame++) state = transition(state, events.frame).state
  expect(state.status).toBe('authenticating')
  const rest = { type: 'frame', text: '', byteLength: MAX_RENEWING_BYTES } as const
  expect(transition(state, rest).state).toEqual({ status: 'closing', code: 4429, reason: 'rate_limited' })
  expect(transition(states.renewing, rest).state.status).toBe('authenticating')
})

test('refuses another user on a live connection', () => {
  expect(transition(states.renewing, { type: 'accepted', principal: { id: 'bob' } }).state).toEqual({
    status: 'closing',
    code: 4403,
    reason: 'forbidden',
  })
  expect(transition(states.renewing, { type: 'accepted', principal: null }).state.status).toBe('closing')
})

test('reports our own close code and reason when the socket is gone at last', () => {
  expect(transition(states.closing, events.gone).effects).toEqual([
    { type: 'release', code: 4401, reason: 'unauthorized' },
  ])
})
