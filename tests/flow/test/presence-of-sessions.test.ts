// Presence and the server together, on a clock that is moved by hand: what sessions and subscriptions mean for who is here.
import { presence } from '@dnr/presence/server'
import type { ChannelName, Principal } from '@dnr/protocol'
import { allowChannel, createRealtimeServer, policies } from '@dnr/server'
import { createManualClock, createSocketPair, drainMicrotasks } from '@dnr/testing'
import { expect, test } from 'vitest'

interface Received {
  readonly type: string
  readonly requestId?: string
  readonly payload?: { readonly users?: readonly { readonly id: string; readonly name: string }[] }
}

const BOARD: ChannelName = 'presence:board'
/** Longer than changes are gathered. */
const SETTLED_MS = 100

/** Tokens are `id` or `id/name`. */
function startServer() {
  const clock = createManualClock()
  const server = createRealtimeServer({
    clock,
    repositories: [],
    plugins: [presence()],
    policies: policies(allowChannel('presence', () => true)),
    authenticate({ token }): Principal | null {
      const [id = '', name = id] = (token ?? '').split('/')
      return id === '' ? null : { id, name }
    },
  })
  const connect = async (token: string) => {
    const pair = createSocketPair({ clock })
    let received: Received[] = []
    pair.client.onmessage = ({ data }) => void received.push(JSON.parse(data as string) as Received)
    const handshake = { url: '/ws', headers: {}, cookies: new Map<string, string>(), token }
    pair.server.attach(server.webSockets.connect(pair.server, { ...handshake, remoteAddress: '10.0.0.1' }))
    const settle = async (): Promise<void> => {
      await drainMicrotasks()
      await clock.advance(SETTLED_MS)
    }
    await settle()
    received = []
    return {
      cut: () => pair.cut(),
      /** Says something about the board, and lets everything be told. */
      async say(type: string, payload?: object) {
        pair.client.send(JSON.stringify({ type, channel: BOARD, payload, requestId: type }))
        await settle()
      },
      /** What came since the last call. */
      async take() {
        await settle()
        const taken = received
        received = []
        return taken
      },
    }
  }
  return { server, connect }
}

const typesOf = (messages: readonly Received[]): string[] => messages.map(({ type }) => type)

test('who is signed out within the grace of a lost connection is gone at once', async () => {
  const { server, connect } = startServer()
  const ann = await connect('ann')
  const bob = await connect('bob')
  await ann.say('presence:join')
  await bob.say('presence:join')
  ann.cut()
  await bob.take()
  expect(server.webSockets.disconnectUser('ann')).toBe(0)
  expect(await bob.take()).toMatchObject([{ type: 'presence:leave', payload: { users: [{ id: 'ann' }] } }])
})

const view = { subscription: 'v' }

test('after the end of a subscription with a key nothing comes, also when one joined and left meanwhile', async () => {
  const { server, connect } = startServer()
  const ann = await connect('ann')
  const bob = await connect('bob')
  await ann.say('subscribe', view)
  await ann.say('presence:join')
  await ann.say('presence:leave')
  await ann.say('unsubscribe', view)
  await ann.take()
  await bob.say('presence:join')
  expect(typesOf(await ann.take())).toEqual([])
  expect(server.stats().subscriptions).toBe(1)
})

test('a leave ends the subscription of the join, when one with a key was ended before', async () => {
  const { server, connect } = startServer()
  const ann = await connect('ann')
  await ann.say('subscribe', view)
  await ann.say('presence:join')
  await ann.say('unsubscribe', view)
  await ann.take()
  await ann.say('presence:leave')
  expect(await ann.take()).toMatchObject([{ type: 'presence:leave', payload: { users: [{ id: 'ann' }] } }])
  expect(server.stats().subscriptions).toBe(0)
})

test('a leave does not end what was asked for by subscribe, with a key or without, before or after the join', async () => {
  const { server, connect } = startServer()
  const bob = await connect('bob')
  const watchers = []
  for (const payload of [view, undefined]) {
    const before = await connect('ann')
    await before.say('subscribe', payload)
    await before.say('presence:join')
    const after = await connect('ann')
    await after.say('presence:join')
    await after.say('subscribe', payload)
    watchers.push(before, after)
  }
  for (const watcher of watchers) await watcher.say('presence:leave')
  for (const watcher of watchers) await watcher.take()
  await bob.say('presence:join')
  for (const watcher of watchers) expect(typesOf(await watcher.take())).toEqual(['presence:join'])
  expect(server.stats().subscriptions).toBe(5)
})

test('a member has the name of the renewed session, for who is here and for who comes', async () => {
  const { connect } = startServer()
  const ann = await connect('ann/Ann Old')
  const bob = await connect('bob')
  await ann.say('presence:join')
  await bob.say('subscribe')
  for (const client of [ann, bob]) await client.take()
  await ann.say('auth', { token: 'ann/Ann New' })
  const renamed = { payload: { users: [{ id: 'ann', name: 'Ann New' }] } }
  expect(await ann.take()).toMatchObject([{ type: 'authenticated' }, { type: 'presence:sync', ...renamed }])
  expect(await bob.take()).toMatchObject([{ type: 'presence:update', ...renamed }])
  const carol = await connect('carol')
  await carol.say('subscribe')
  expect(await carol.take()).toMatchObject([{ type: 'subscribed' }, { type: 'presence:sync', ...renamed }])
})
