// Who leaves before the answer to a join, and comes back: the answers to both are on their way, and one of them is no news any
// more. A page and a server with everything between them held back, in every order; at rest they agree.
import type { ClientMessage, ServerMessage } from '@dnr/protocol'
import { createManualClock, drainMicrotasks } from '@dnr/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createPresenceManager, type JoinedRoom } from '../../src/client.ts'
import { presence, type PresenceHost } from '../../src/server.ts'

const CHANNEL = 'presence:board'

/** Alice's page, which looks on all the time, so that no end of its subscription tidies up. Beside her there is room for nobody. */
function openWorld() {
  const clock = createManualClock()
  const toServer: ClientMessage[] = []
  const toPage: ServerMessage[] = []
  const asked: (() => void)[] = []
  let hear = (_message: ServerMessage): void => {}
  let stand = (_status: string): void => {}
  const tell = (message: object): void =>
    void toPage.push({ channel: CHANNEL, timestamp: 0, ...message } as ServerMessage)
  const host: PresenceHost = {
    clock,
    connection: (id) => ({ id, principal: { id } }),
    subscribe: async (id) => {
      if (id === 'alice') await new Promise<void>((resolve) => asked.push(resolve))
      return 'installed'
    },
    unsubscribe: () => {},
    subscribers: () => ['alice'],
    send: (ids, message) => void ([...ids].includes('alice') && tell(message)),
    refuse(id, { requestId, ...payload }) {
      if (id === 'alice') tell({ type: 'error', requestId, payload })
    },
  }
  const session = presence({ maxMembersPerResource: 1 }).start(host)
  const manager = createPresenceManager({
    clock,
    transport: {
      subscribe(_channel, listener) {
        hear = (message) => listener.message?.(message)
        stand = (status) => listener.status?.(status)
        session.subscribed('alice', CHANNEL)
        stand('live')
        return { unsubscribe: () => {} }
      },
      send: (message) => toServer.push(JSON.parse(JSON.stringify(message)) as ClientMessage) > 0,
    },
  })
  const watching = manager.watch('board')
  let room: JoinedRoom | null = null
  let card = 0
  let isBobHere = false
  const bob = (isComing: boolean): void => {
    isBobHere = isComing
    const message: ClientMessage = { type: isComing ? 'presence:join' : 'presence:leave', channel: CHANNEL }
    void session.message('bob', message)
  }

  const steps = {
    /** The page joins, leaves, says something else of itself. */
    j: () => (room ??= manager.join('board', { metadata: { card } })),
    l() {
      room?.leave()
      room = null
    },
    u: () => room?.update({ card: ++card }),
    /** Its client has asked for the channel once more, of a server that has kept the subscription: it joins anew. */
    r() {
      stand('stale')
      stand('live')
    },
    /** The server takes a frame, and says yes to somebody who waits. */
    s() {
      const message = toServer.shift()
      if (message !== undefined) void session.message('alice', message)
    },
    y: () => asked.shift()?.(),
    /** Bob takes the only place, if it is free, or gives it back. */
    b: () => bob(!isBobHere),
    /** The page hears a frame. */
    h() {
      const message = toPage.shift()
      if (message !== undefined) hear(message)
    },
  }
  const step = async (name: keyof typeof steps): Promise<void> => {
    steps[name]()
    await drainMicrotasks()
  }
  const rest = async (): Promise<void> => {
    bob(false)
    for (let round = 0; round < 20; round++) {
      while (toServer.length + asked.length + toPage.length > 0)
        for (const name of 'syh') await step(name as 's')
      await clock.advance(500)
    }
  }
  return {
    step,
    rest,
    /** Who the server shows, what the page wants to be seen of, and what it takes to be wrong. */
    seen: () => watching.members.value.map(({ id, metadata }) => ({ id, ...metadata })),
    wanted: () => (room === null ? [] : [{ id: 'alice', card }]),
    error: () => watching.error.value?.code ?? null,
  }
}

async function agree(order: string): Promise<void> {
  const world = openWorld()
  for (const name of order) await world.step(name as 's')
  await world.rest()
  expect([world.seen(), world.error()]).toEqual([world.wanted(), null])
  await world.step('l')
  await world.rest()
  expect(world.seen()).toEqual([])
}

test.each([
  ['comes back before the server has heard of the leave', 'jljsss'],
  ['comes back while the first join is asked about', 'jslsjs'],
  ['comes back, and hears first that the first join was too late', 'jslsjsyhhyh'],
  ['comes back, and the first join had no place', 'bjsljyhbssyh'],
  ['comes back, and leaves again before the answers', 'jslsjslsyyhhhh'],
  ['is seen, joins anew, leaves and comes back', 'jsyhulsjsshyhhyh'],
  ['joins anew, leaves and comes back before the answer', 'jsyhrslsjsyyhhhh'],
  ['leaves after it heard that there was no place for the first join', 'bjljsyhbssyhl'],
])('who %s is seen as the page wants', (_what, order) => agree(order))

test('in whatever order frames and answers come, page and server agree in the end', async () => {
  const steps = fc.array(fc.constantFrom('j', 'l', 'r', 'u', 's', 'y', 'b', 'h'), {
    minLength: 4,
    maxLength: 14,
  })
  await fc.assert(
    fc.asyncProperty(steps, (order) => agree(`jsyh${order.join('')}`)),
    { numRuns: 2_000 },
  )
})
