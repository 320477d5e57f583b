import { createManualClock, drainMicrotasks } from '@dnr/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Connection } from '../../src/connection/connection.ts'
import { frameOf } from '../../src/connection/frame.ts'
import { createOutgoing, type OutgoingOptions } from '../../src/connection/outgoing.ts'
import { emptyQueue } from '../../src/connection/queue-room.ts'
import type { FrameRun } from '../../src/ports/server-socket.ts'

interface Peer {
  readonly connection: Connection
  readonly heard: string[]
  /** How often the server turned to it. */
  visits: number
}

function peer({ takesRuns = true, bufferedBytes = 0 } = {}): Peer {
  const own: { heard: string[]; visits: number } = { heard: [], visits: 0 }
  const hear = (texts: readonly string[]): void => {
    own.visits++
    own.heard.push(...texts)
  }
  const socket = {
    send: ({ text }: { text: string }) => hear([text]),
    ...(takesRuns && { sendRun: ({ frames }: FrameRun) => hear(frames.map(({ text }) => text)) }),
    bufferedBytes,
  }
  const state = { status: 'open', principal: null }
  const connection = { socket, state, queue: emptyQueue() } as unknown as Connection
  return Object.assign(own, { connection })
}

const outgoingOf = (options: Partial<OutgoingOptions> = {}) =>
  createOutgoing({
    maxQueueBytes: 1_000_000,
    clock: createManualClock(),
    onSlow: () => {},
    onBroken: () => {},
    ...options,
  })

const frames = (count: number) => Array.from({ length: count }, (_, n) => frameOf(`${n}`))
const textsOf = (count: number): string[] => frames(count).map(({ text }) => text)

test('what one tick tells an audience is one visit to each of its members', async () => {
  const { fanOut } = outgoingOf()
  const members = [peer(), peer(), peer()]
  const audience = { members }
  for (const frame of frames(16)) {
    fanOut.add(audience, 'entity:Task', frame)
    // What promises that are due say belongs to the same tick.
    await Promise.resolve()
  }
  expect(members.map(({ visits }) => visits)).toEqual([0, 0, 0])
  await drainMicrotasks()
  expect(members.map(({ visits }) => visits)).toEqual([1, 1, 1])
  expect(members.map(({ heard }) => heard)).toEqual([textsOf(16), textsOf(16), textsOf(16)])
})

test('audiences of one lane do not break up what the others are told', async () => {
  const { fanOut } = outgoingOf()
  const members = [peer(), peer()]
  const audiences = members.map((member) => ({ members: [member] }))
  for (const frame of frames(16)) for (const audience of audiences) fanOut.add(audience, 'entity:Task', frame)
  await drainMicrotasks()
  expect(members.map(({ visits }) => visits)).toEqual([1, 1])
})

test('it leaves before any timer or input', async () => {
  const { fanOut } = outgoingOf()
  const member = peer()
  const order: string[] = []
  setTimeout(() => order.push(`timer after ${member.visits}`), 0)
  setImmediate(() => order.push(`immediate after ${member.visits}`))
  fanOut.add({ members: [member] }, 'entity:Task', frameOf('x'))
  await drainMicrotasks()
  expect(order[0]).toMatch(/after 1$/)
})

test('much in one tick does not gather without bound', () => {
  const { fanOut } = outgoingOf({ maxQueueBytes: 10_000_000 })
  const member = peer()
  const audience = { members: [member] }
  for (let n = 0; n < 10; n++) fanOut.add(audience, 'entity:Task', frameOf('x'.repeat(30_000)))
  expect(member.visits).toBe(3)
})

test('a member that does not read is closed, the others hear all of it, and all is counted', async () => {
  const slow = peer({ bufferedBytes: 1_000 })
  const others = [peer(), peer({ takesRuns: false })]
  const audience = { members: [...others, slow] }
  const closed: Connection[] = []
  const outgoing = outgoingOf({ maxQueueBytes: 1_001, onSlow: (connection) => void closed.push(connection) })
  for (const frame of frames(3)) outgoing.fanOut.add(audience, 'entity:Task', frame)
  await drainMicrotasks()
  expect(closed).toContain(slow.connection)
  expect(slow.heard).toEqual([])
  expect(others.map(({ heard }) => heard)).toEqual([textsOf(3), textsOf(3)])
  expect(outgoing.framesSent).toBe(6)
})

test('a socket that throws is given up, and the others hear all of it', async () => {
  const broken = peer()
  broken.connection.socket.send = () => {
    throw new Error('broken pipe')
  }
  const others = [peer(), peer()]
  const given: Connection[] = []
  const { fanOut } = outgoingOf({ onBroken: (connection) => void given.push(connection) })
  fanOut.add({ members: [others[0] as Peer, broken, others[1] as Peer] }, 'entity:Task', frameOf('x'))
  await drainMicrotasks()
  expect(given).toEqual([broken.connection])
  expect(others.map(({ heard }) => heard)).toEqual([['x'], ['x']])
})

/** What may happen in a tick. Audiences 0 and 1 share a lane and no member; 2 has a lane of its own. */
const step = fc.oneof(
  fc.record({ kind: fc.constant('tell' as const), audience: fc.nat({ max: 2 }) }),
  fc.record({ kind: fc.constant('say' as const), to: fc.nat({ max: 3 }) }),
  fc.record({ kind: fc.constant('move' as const), who: fc.nat({ max: 3 }), audience: fc.nat({ max: 2 }) }),
  fc.record({ kind: fc.constant('wait' as const) }),
)

test('everybody hears what was said to them, in the order in which it was said', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { fanOut, send } = outgoingOf()
      const peers = [peer(), peer({ takesRuns: false }), peer(), peer()]
      const expected = peers.map((): string[] => [])
      const [one, two] = peers as [Peer, Peer]
      const audiences = [[one], [two], [one, two]].map((members) => ({ members }))
      const says = (to: Peer, text: string): void => void expected[peers.indexOf(to)]?.push(text)
      for (const [n, each] of steps.entries()) {
        const frame = frameOf(`${n}`)
        if (each.kind === 'tell') {
          const audience = audiences[each.audience]
          if (audience === undefined) continue
          for (const member of audience.members) says(member, frame.text)
          fanOut.add(audience, each.audience === 2 ? 'entity:Other' : 'entity:Task', frame)
        } else if (each.kind === 'say') {
          const to = peers[each.to] as Peer
          says(to, frame.text)
          send(to.connection, frame)
        } else if (each.kind === 'move') {
          fanOut.flush()
          move(peers[each.who] as Peer, each.audience, audiences)
        } else await drainMicrotasks()
      }
      await drainMicrotasks()
      expect(peers.map(({ heard }) => heard)).toEqual(expected)
    }),
  )
})

/** Into an audience, or out of it; out of the other one of the lane as well. */
function move(who: Peer, into: number, audiences: readonly { members: Peer[] }[]): void {
  for (const [index, audience] of audiences.entries()) {
    const isIn = audience.members.includes(who)
    if (isIn && (index === into || (index < 2 && into < 2)))
      audience.members = audience.members.filter((member) => member !== who)
    else if (!isIn && index === into) audience.members = [...audience.members, who]
  }
}
