import { createRealtimeClient } from '@dnr/client'
import { createManualClock, createSocketPair, drainMicrotasks, type SocketPair } from '@dnr/testing'
import { signal } from '@preact/signals-core'
import { act, cleanup, render, screen } from '@testing-library/react'
import { type ReactNode, StrictMode } from 'react'
import { renderToString } from 'react-dom/server'
import { afterEach, expect, test } from 'vitest'
import { useCollection, useConnectionState, useOptimistic, usePresence, useSignalValue } from '@dnr/react'

afterEach(cleanup)

interface Row {
  readonly id: string
  readonly version: number
}

/** A client of a server that knows two rows; `heard` is all that was asked of it. */
async function connect() {
  const clock = createManualClock()
  const pairs: SocketPair[] = []
  const heard: { type: string }[] = []
  const say = (message: object): void => {
    const text = JSON.stringify({ ...message, timestamp: clock.now() })
    pairs.at(-1)?.server.send({ text, byteLength: text.length })
  }
  const client = createRealtimeClient({
    url: 'ws://test',
    clock,
    random: () => 0.5,
    createSocket: () => {
      const pair = createSocketPair()
      pairs.push(pair)
      pair.server.attach({
        message(text) {
          const { type, channel, requestId } = JSON.parse(text) as {
            type: string
            channel: string
            requestId: string
          }
          heard.push({ type })
          const rows = ['a', 'b'].map((id) => ({ id, version: 1 }))
          const position = { epoch: 'e', offset: 1 }
          if (type === 'subscribe')
            say({
              type: 'subscribed',
              channel,
              requestId,
              payload: { position, recovered: false, snapshot: { rows, more: false } },
            })
        },
        binary() {},
        pong() {},
        closed() {},
      })
      say({ type: 'connected', payload: { connectionId: 'c', userId: 'u' } })
      return pair.client
    },
  })
  await drainMicrotasks()
  return { clock, client, pairs, heard, say }
}

const settle = (): Promise<void> => act(drainMicrotasks)

/** Rows as any view has them; counts how often it was opened and closed. */
function createRows(ids: string) {
  const counts = { opened: 0, closed: 0 }
  const rows = signal<readonly Row[]>(ids.split('').map((id) => ({ id, version: 1 })))
  const status = signal<'live' | 'stale'>('live')
  const open = () => {
    counts.opened++
    return { rows, status, close: () => void counts.closed++ }
  }
  return { counts, rows, status, open }
}

interface View {
  readonly rows: { readonly value: readonly Row[]; peek(): readonly Row[] }
}

function List({ open }: { readonly open: ReturnType<typeof createRows>['open'] }): ReactNode {
  const { rows, status } = useCollection(open, [open])
  return <p>{`${status}: ${rows.map(({ id }) => id).join('')}`}</p>
}

test('(I117) StrictMode mounts twice and still has one socket and one subscription', async () => {
  const t = await connect()
  function Tasks(): ReactNode {
    const { rows, status } = useCollection(() => t.client.collection('Task'), [])
    return <p>{`${status}: ${rows.map(({ id }) => id).join('')}`}</p>
  }
  const { unmount } = render(
    <StrictMode>
      <Tasks />
      <Tasks />
    </StrictMode>,
  )
  await settle()
  expect(screen.getAllByText('live: ab')).toHaveLength(2)
  expect(t.pairs).toHaveLength(1)
  expect(t.heard).toEqual([{ type: 'subscribe' }])
  unmount()
  await act(() => t.clock.advance(2_000))
  expect(t.heard).toEqual([{ type: 'subscribe' }, { type: 'unsubscribe' }])
  t.client.close()
  expect(t.clock.pendingTimers).toBe(0)
})

test('a component that mounts again shows the rows in its first frame', async () => {
  const t = await connect()
  const frames: string[] = []
  function Tasks(): ReactNode {
    const { rows, status } = useCollection(() => t.client.collection('Task'), [])
    frames.push(`${status} ${rows.length}`)
    return null
  }
  const first = render(<Tasks />)
  await settle()
  first.unmount()
  frames.length = 0
  render(<Tasks />)
  await settle()
  expect(new Set(frames)).toEqual(new Set(['live 2']))
  t.client.close()
})

test('renders anew when rows or status change, and not before', () => {
  const t = createRows('a')
  render(<List open={t.open} />)
  expect(screen.getByText('live: a')).toBeTruthy()
  act(() => {
    t.rows.value = [...t.rows.value, { id: 'b', version: 1 }]
    t.status.value = 'stale'
  })
  expect(screen.getByText('stale: ab')).toBeTruthy()
})

test('closes what it opened: at unmount, and when its dependencies change', () => {
  const [one, two] = [createRows('a'), createRows('b')]
  const { rerender, unmount } = render(<List open={one.open} />)
  expect(one.counts.opened - one.counts.closed).toBe(1)
  rerender(<List open={two.open} />)
  expect(screen.getByText('live: b')).toBeTruthy()
  expect(one.counts.opened - one.counts.closed).toBe(0)
  expect(two.counts.opened - two.counts.closed).toBe(1)
  unmount()
  expect(two.counts.opened - two.counts.closed).toBe(0)
})

test('rows are in the HTML of the server, and nothing stays open there', () => {
  const t = createRows('ab')
  expect(renderToString(<List open={t.open} />)).toBe('<p>live: ab</p>')
  expect(t.counts.opened - t.counts.closed).toBe(0)
})

test('the connection’s state is shown and followed', async () => {
  const t = await connect()
  function Pill(): ReactNode {
    const state = useConnectionState(t.client)
    return <p>{state.status === 'waiting' ? `retry in ${state.retryAt - t.clock.now()} ms` : state.status}</p>
  }
  render(<Pill />)
  expect(screen.getByText('ready')).toBeTruthy()
  await act(async () => {
    t.pairs[0]?.cut()
    await drainMicrotasks()
  })
  expect(screen.getByText('retry in 1000 ms')).toBeTruthy()
  t.client.close()
})

test('presence joins after the render, shows its members, and leaves as often as it joined', () => {
  const members = signal<readonly { readonly id: string }[]>([])
  const error = signal<{ readonly code: string } | null>(null)
  const calls: string[] = []
  const join = () => {
    calls.push('join')
    return { members, error, leave: () => void calls.push('leave') }
  }
  function People(): ReactNode {
    const joinedWhileRendering = calls.length > 0
    const { members: people, room, error: refusal } = usePresence(join, [])
    if (refusal) return <p>{refusal.code}</p>
    return (
      <p>{`${people.map(({ id }) => id).join()} ${room === null ? 'outside' : 'inside'} ${String(joinedWhileRendering)}`}</p>
    )
  }
  expect(renderToString(<People />)).toBe('<p> outside false</p>')
  const { unmount } = render(
    <StrictMode>
      <People />
    </StrictMode>,
  )
  act(() => void (members.value = [{ id: 'alice' }]))
  expect(screen.getByText('alice inside true')).toBeTruthy()
  act(() => void (error.value = { code: 'busy' }))
  expect(screen.getByText('busy')).toBeTruthy()
  unmount()
  expect(calls).toEqual(['join', 'leave', 'join', 'leave'])
})

test('(I116) presence that mounts again, StrictMode’s included, shows at once who is there', async () => {
  const t = await connect()
  const watch = () => {
    const members = signal<readonly { readonly id: string }[]>([])
    const { unsubscribe } = t.client.subscribe('presence:board', {
      message(message) {
        if (message.type === 'presence:sync') members.value = message.payload.users
      },
    })
    return { members, error: signal(null), leave: unsubscribe }
  }
  const People = (): ReactNode => (
    <p>{`here: ${usePresence(watch, [])
      .members.map(({ id }) => id)
      .join()}`}</p>
  )
  const mount = () =>
    render(
      <StrictMode>
        <People />
      </StrictMode>,
    )
  const first = mount()
  await settle()
  t.say({ type: 'presence:sync', channel: 'presence:board', payload: { users: [{ id: 'alice' }] } })
  await settle()
  expect(screen.getByText('here: alice')).toBeTruthy()
  first.unmount()
  await act(() => t.clock.advance(500))
  mount()
  expect(screen.getByText('here: alice')).toBeTruthy()
  expect(t.heard).toEqual([{ type: 'subscribe' }])
  t.client.close()
})

test('an optimistic view is laid over the confirmed rows, and both are closed', () => {
  const confirmed = createRows('a')
  const laid = createRows('ax')
  function Tasks(): ReactNode {
    const { rows, collection } = useOptimistic(
      confirmed.open,
      (under: View) => ({ ...laid.open(), under }),
      [],
    )
    return <p>{`${collection.under.rows.peek().length} under ${rows.length}`}</p>
  }
  const { unmount } = render(<Tasks />)
  expect(screen.getByText('1 under 2')).toBeTruthy()
  unmount()
  expect([confirmed, laid].map(({ counts }) => counts.opened - counts.closed)).toEqual([0, 0])
})

test('a signal may be exchanged for another', () => {
  const [one, two] = [signal('one'), signal('two')]
  function Text({ text }: { readonly text: typeof one }): ReactNode {
    return <p>{useSignalValue(text)}</p>
  }
  const { rerender } = render(<Text text={one} />)
  rerender(<Text text={two} />)
  expect(screen.getByText('two')).toBeTruthy()
  act(() => void (two.value = 'changed'))
  act(() => void (one.value = 'unheard'))
  expect(screen.getByText('changed')).toBeTruthy()
})
