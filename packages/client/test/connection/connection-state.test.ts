import { DnrError } from '@dnr/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type ConnectionEvent,
  type ConnectionRules,
  type ConnectionState,
  type ConnectionStatus,
  transition,
} from '../../src/connection/connection-state.ts'

const now = 1_700_000_000_000
const monotonic = 100_000
const clock = { now: () => now, monotonic: () => monotonic }
const rules: ConnectionRules = { baseMs: 1_000, maxMs: 30_000, stableMs: 5_000, canRefresh: true }
const cause = new DnrError('disconnected', 'lost', { retryable: true })

const states: { readonly [Status in ConnectionStatus]: Extract<ConnectionState, { status: Status }> } = {
  idle: { status: 'idle' },
  connecting: { status: 'connecting', attempt: 2, refreshed: false },
  authenticating: { status: 'authenticating', attempt: 2, refreshed: false },
  ready: {
    status: 'ready',
    attempt: 2,
    refreshed: false,
    connectionId: 'c',
    userId: 'u',
    since: monotonic - 10_000,
  },
  waiting: { status: 'waiting', attempt: 3, retryAt: now + 500, cause },
  suspended: { status: 'suspended' },
  'needs-auth': { status: 'needs-auth', cause },
  closed: { status: 'closed', cause: null },
}

const events: { readonly [Type in ConnectionEvent['type']]: Extract<ConnectionEvent, { type: Type }> } = {
  connect: { type: 'connect' },
  disconnect: { type: 'disconnect' },
  close: { type: 'close' },
  opened: { type: 'opened' },
  welcomed: { type: 'welcomed', connectionId: 'c', userId: null },
  lost: { type: 'lost', code: 1006, reason: '', jitter: 0.5 },
  tokenless: { type: 'tokenless', error: cause, jitter: 0.5 },
  drain: { type: 'drain', delayMs: 700 },
  due: { type: 'due' },
  wake: { type: 'wake' },
  offline: { type: 'offline', jitter: 0.5 },
  hide: { type: 'hide', persisted: true },
  show: { type: 'show' },
}

/** The status after it and the effects, `-` for "nothing changes". */
type Expected = '-' | `${ConnectionStatus}: ${string}` | ConnectionStatus

const table: Record<ConnectionStatus, Record<ConnectionEvent['type'], Expected>> = {
  idle: {
    connect: 'connecting: open',
    disconnect: '-',
    close: 'closed: leave',
    opened: '-',
    welcomed: '-',
    lost: '-',
    tokenless: '-',
    drain: '-',
    due: '-',
    wake: '-',
    offline: '-',
    hide: '-',
    show: '-',
  },
  connecting: {
    connect: '-',
    disconnect: 'idle: leave',
    close: 'closed: leave',
    opened: 'authenticating',
    welcomed: '-',
    lost: 'waiting: drop wait',
    tokenless: 'waiting: drop wait',
    drain: 'waiting: drop wait',
    due: '-',
    wake: '-',
    offline: 'waiting: drop wait',
    hide: 'suspended: drop',
    show: '-',
  },
  authenticating: {
    connect: '-',
    disconnect: 'idle: leave',
    close: 'closed: leave',
    opened: '-',
    welcomed: 'ready: beat',
    lost: 'waiting: drop wait',
    tokenless: '-',
    drain: 'waiting: drop wait',
    due: '-',
    wake: '-',
    offline: 'waiting: drop wait',
    hide: 'suspended: drop',
    show: '-',
  },
  ready: {
    connect: '-',
    disconnect: 'idle: leave',
    close: 'closed: leave',
    opened: '-',
    welcomed: '-',
    lost: 'waiting: drop wait',
    tokenless: '-',
    drain: 'waiting: drop wait',
    due: '-',
    wake: 'ready: probe',
    offline: 'ready: probe',
    hide: 'suspended: drop',
    show: '-',
  },
  waiting: {
    connect: 'connecting: open',
    disconnect: 'idle: leave',
    close: 'closed: leave',
    opened: '-',
    welcomed: '-',
    lost: '-',
    tokenless: '-',
    drain: '-',
    due: 'connecting: open',
    wake: 'connecting: open',
    offline: '-',
    hide: 'suspended: drop',
    show: '-',
  },
  suspended: {
    connect: 'connecting: open',
    disconnect: 'idle: leave',
    close: 'closed: leave',
    opened: '-',
    welcomed: '-',
    lost: '-',
    tokenless: '-',
    drain: '-',
    due: '-',
    wake: '-',
    offline: '-',
    hide: '-',
    show: 'connecting: open',
  },
  'needs-auth': {
    connect: 'connecting: open',
    disconnect: 'idle: leave',
    close: 'closed: leave',
    opened: '-',
    welcomed: '-',
    lost: '-',
    tokenless: '-',
    drain: '-',
    due: '-',
    wake: '-',
    offline: '-',
    hide: '-',
    show: '-',
  },
  closed: {
    connect: '-',
    disconnect: '-',
    close: '-',
    opened: '-',
    welcomed: '-',
    lost: '-',
    tokenless: '-',
    drain: '-',
    due: '-',
    wake: '-',
    offline: '-',
    hide: '-',
    show: '-',
  },
}

const cells = Object.entries(table).flatMap(([status, row]) =>
  Object.entries(row).map(([type, expected]) => ({
    status: status as ConnectionStatus,
    type: type as ConnectionEvent['type'],
    expected,
  })),
)

test.each(cells)('$status + $type → $expected', ({ status, type, expected }) => {
  const before = states[status]
  const { state, effects } = transition(before, events[type], clock, rules)
  if (expected === '-') {
    expect(state).toBe(before)
    expect(effects).toEqual([])
  } else {
    expect([state.status, effects.join(' ')].filter(Boolean).join(': ')).toBe(expected)
  }
})

describe('what a close means', () => {
  const lost = (code: number, reason = '', from: ConnectionState = states.ready, with_ = rules) =>
    transition(from, { type: 'lost', code, reason, jitter: 0.5 }, clock, with_).state

  test('(I121) an expired token is refreshed once, a second refusal needs the user', () => {
    const first = lost(4401, 'token_expired')
    expect(first).toEqual({ status: 'connecting', attempt: 1, refreshed: true })
    expect(
      lost(4401, 'token_expired', { status: 'authenticating', attempt: 1, refreshed: true }),
    ).toMatchObject({
      status: 'needs-auth',
      cause: { code: 'token_expired' },
    })
  })

  test('(I121) without getToken an unauthorized close needs the user at once', () => {
    expect(lost(4401, '', states.ready, { ...rules, canRefresh: false })).toMatchObject({
      status: 'needs-auth',
      cause: { code: 'unauthorized' },
    })
  })

  test('(I121) a token that expires as soon as it is accepted does not make a loop', () => {
    const ready = { ...states.ready, refreshed: true, since: monotonic - 100 }
    expect(lost(4401, 'token_expired', ready).status).toBe('needs-auth')
    expect(lost(4401, 'token_expired', { ...ready, since: monotonic - 10_000 }).status).toBe('connecting')
  })

  test('a revoked token needs the user at once, whether or not another can be had', () => {
    for (const from of [states.ready, states.authenticating, states.connecting])
      expect(lost(4401, 'token_revoked', from)).toMatchObject({
        status: 'needs-auth',
        cause: { code: 'token_revoked', retryable: false },
      })
  })

  test('(I121) forbidden stops with its cause, and connect tries again', () => {
    const closed = lost(4403, 'forbidden')
    expect(closed).toMatchObject({ status: 'closed', cause: { code: 'forbidden', retryable: false } })
    expect(transition(closed, { type: 'connect' }, clock, rules).state.status).toBe('connecting')
  })

  test('(I121) an unknown code is retried', () => {
    expect(lost(4999)).toMatchObject({
      status: 'waiting',
      attempt: 1,
      cause: { code: 'disconnected', retryable: true },
    })
  })

  test('"come back at once" holds for connections that held, else the delays grow', () => {
    expect(lost(4408).status).toBe('connecting')
    expect(lost(4408, '', { ...states.ready, since: monotonic - 10 })).toMatchObject({
      status: 'waiting',
      attempt: 3,
    })
  })
})

describe('when the next try is', () => {
  test('(I119) delays are spread over their whole range, which doubles up to the bound', () => {
    const bounds = [1, 2, 3, 4, 5, 6, 7, 100].map((attempt) => {
      const { state } = transition(
        { status: 'connecting', attempt, refreshed: false },
        { ...events.lost, jitter: 0.999_999 },
        clock,
        rules,
      )
      return state.status === 'waiting' ? Math.round((state.retryAt - now) / 1_000) : null
    })
    expect(bounds).toEqual([2, 4, 8, 16, 30, 30, 30, 30])
  })

  test('(I119) there is no last try', () => {
    fc.assert(
      fc.property(fc.nat(1e9), fc.double({ min: 0, max: 0.999_999, noNaN: true }), (attempt, jitter) => {
        const { state } = transition(
          { status: 'connecting', attempt, refreshed: false },
          { ...events.lost, jitter },
          clock,
          rules,
        )
        expect(state.status).toBe('waiting')
        if (state.status === 'waiting') expect(state.retryAt - now).toBeGreaterThanOrEqual(0)
      }),
    )
  })

  test('a connection that held starts the count anew, one that did not goes on counting', () => {
    expect(transition(states.ready, events.lost, clock, rules).state).toMatchObject({
      attempt: 1,
      retryAt: now + 500,
    })
    expect(
      transition({ ...states.ready, since: monotonic - 10 }, events.lost, clock, rules).state,
    ).toMatchObject({
      attempt: 3,
    })
  })

  test('a draining server names the time', () => {
    expect(transition(states.ready, events.drain, clock, rules).state).toMatchObject({
      retryAt: now + 700,
      cause: { code: 'draining' },
    })
  })
})

test('a refused token source needs the user, a failing one is tried again', () => {
  const refused = { ...events.tokenless, error: new DnrError('unauthorized', 'signed out') }
  expect(transition(states.connecting, refused, clock, rules).state).toMatchObject({
    status: 'needs-auth',
    cause: { code: 'unauthorized' },
  })
  expect(transition(states.connecting, events.tokenless, clock, rules).state).toMatchObject({
    status: 'waiting',
    attempt: 3,
    cause,
  })
})

test('(I126) a page that goes for good says so to the server', () => {
  expect(transition(states.ready, { type: 'hide', persisted: false }, clock, rules).effects).toEqual([
    'leave',
  ])
})
