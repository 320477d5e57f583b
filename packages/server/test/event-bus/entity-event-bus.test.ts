import type { Change, Position } from '@dnr/protocol'
import { expect, test } from 'vitest'
import { createEventBus, type EventBus } from '../../src/event-bus/entity-event-bus.ts'

function bus(head: number | null = null): {
  bus: EventBus
  delivered: number[][]
  missed: (Position | null)[]
  parts: string[]
  errors: string[]
} {
  const missed: (Position | null)[] = []
  const delivered: number[][] = []
  const errors: string[] = []
  const parts: string[] = []
  const history =
    head === null
      ? null
      : { head: async () => ({ epoch: 'e1', offset: head }), read: () => Promise.reject(new Error('unused')) }
  const eventBus = createEventBus({
    history,
    epoch: 'own',
    now: () => 7,
    deliver: (transaction) => void delivered.push(transaction.map(({ position }) => position.offset)),
    deliverPart: (changes, before) =>
      void parts.push(`${changes.map(({ position }) => position.offset).join('+')} after ${before.offset}`),
    missed: () => void missed.push(eventBus.position),
    onError: (_, what) => void errors.push(what),
  })
  return { bus: eventBus, delivered, missed, parts, errors }
}

const change = (offset: number, transaction = offset, last = true): Change => ({
  entity: 'Task',
  id: `t${offset}`,
  operation: 'created',
  version: 1,
  before: null,
  after: { id: `t${offset}`, version: 1 },
  mutationId: null,
  actor: null,
  at: 0,
  position: { epoch: 'e1', offset },
  transaction,
  last,
})

test('delivers each transaction once, however often it is published', () => {
  const { bus: eventBus, delivered } = bus(0)
  const first = [change(1, 1, false), change(2, 1)]
  eventBus.publish(first)
  eventBus.publish(first)
  eventBus.publish([change(3)])
  eventBus.publish([change(1), change(2)])
  eventBus.publish([])
  expect(delivered).toEqual([[1, 2], [3]])
  expect(eventBus.position).toEqual({ epoch: 'e1', offset: 3 })
})

test('a transaction in parts: the position stays before it until its end, and each part counts once', () => {
  const { bus: eventBus, delivered, parts } = bus(0)
  eventBus.publish([change(1)])
  const [first, second, third] = [
    [change(2, 2, false), change(3, 2, false)],
    [change(4, 2, false)],
    [change(5, 2)],
  ]
  for (const part of [first, first, second, first, second]) eventBus.publish(part ?? [])
  expect(eventBus.position).toMatchObject({ offset: 1 })
  eventBus.publish(third ?? [])
  eventBus.publish(third ?? [])
  expect(eventBus.position).toMatchObject({ offset: 5 })
  eventBus.publish([change(6)])
  expect(parts).toEqual(['2+3 after 1', '4 after 1', '5 after 1'])
  expect(delivered).toEqual([[1], [6]])
})

test('what had passed before a gap is forgotten', () => {
  const { bus: eventBus, delivered, missed } = bus(0)
  eventBus.publish([change(1)])
  eventBus.publish([change(2, 2, false)])
  eventBus.skipTo({ position: { epoch: 'e1', offset: 4 } })
  eventBus.publish([change(5)])
  expect([delivered, missed.length]).toEqual([[[1], [5]], 1])
  expect(eventBus.position).toMatchObject({ offset: 5 })
})

test('what the log held before it was asked for is not delivered', async () => {
  const { bus: eventBus, delivered } = bus(5)
  await eventBus.ready()
  eventBus.publish([change(5)])
  eventBus.publish([change(6)])
  expect(delivered).toEqual([[6]])
  expect(eventBus.ready()).toBeUndefined()
})

test('what is published before the head is known moves the position on', async () => {
  const { bus: eventBus } = bus(1)
  const ready = eventBus.ready()
  eventBus.publish([change(2)])
  await ready
  expect(eventBus.position).toEqual({ epoch: 'e1', offset: 2 })
})

test('a listener that throws disturbs neither the others nor the publisher', () => {
  const { bus: eventBus, errors } = bus()
  const heard: string[] = []
  eventBus.on(() => {
    throw new Error('boom')
  })
  const undo = eventBus.on((transaction) => heard.push(...transaction.map(({ id }) => id)))
  eventBus.publish([change(1)])
  undo()
  undo()
  eventBus.publish([change(2)])
  expect(heard).toEqual(['t1'])
  expect(errors).toEqual(['a listener of the event bus', 'a listener of the event bus'])
})

test('without a log, positions are the bus’s own and rise', () => {
  const { bus: eventBus, delivered } = bus()
  eventBus.emitCreated('Task', { id: '1' })
  eventBus.emitUpdated('Task', '1', { id: '1', title: 'x' })
  eventBus.emitDeleted('Task', '1')
  expect(delivered).toEqual([[1], [2], [3]])
  expect(eventBus.position).toEqual({ epoch: 'own', offset: 3 })
})

test('with a log, what is emitted beside it does not move its position', async () => {
  const { bus: eventBus, delivered } = bus(4)
  await eventBus.ready()
  eventBus.emitCreated('Task', { id: '1', version: 9 })
  expect(delivered).toEqual([[4]])
  eventBus.publish([change(5)])
  expect(delivered).toEqual([[4], [5]])
})

test('a listener added within a listener hears the next transaction first, and one removed there hears nothing more', () => {
  const { bus: eventBus } = bus(0)
  const heard: string[] = []
  const adding = (): void => {
    heard.push('first')
    eventBus.on(() => void heard.push('added'))
    removeLast()
  }
  const removeFirst = eventBus.on(adding)
  const removeLast = eventBus.on(() => void heard.push('removed'))
  eventBus.publish([change(1)])
  expect(heard).toEqual(['first'])
  removeFirst()
  eventBus.publish([change(2)])
  expect(heard).toEqual(['first', 'added'])
})

test('where a relay goes on beyond what was delivered, something was missed; up to there nothing comes any more', async () => {
  const { bus: eventBus, delivered, missed } = bus(1)
  await eventBus.ready()
  eventBus.skipTo({ position: { epoch: 'e1', offset: 1 } })
  expect(missed).toEqual([])
  eventBus.skipTo({ position: { epoch: 'e2', offset: 4 } })
  // Who is told must find the new place: what they ask for next goes on from there.
  expect(missed).toEqual([{ epoch: 'e2', offset: 4 }])
  eventBus.publish([change(4)])
  eventBus.skipTo({ position: { epoch: 'e1', offset: 3 } })
  eventBus.publish([change(5)])
  expect(delivered).toEqual([[5]])
  expect(missed).toHaveLength(1)
  expect(eventBus.gaps).toBe(1)
})

test('where a relay begins is where the bus stands, when that was not known before', async () => {
  const { bus: eventBus, missed } = bus(7)
  const reading = eventBus.ready()
  eventBus.skipTo({ position: { epoch: 'e1', offset: 5 } })
  expect(eventBus.ready()).toBeUndefined()
  await reading
  expect(eventBus.position).toEqual({ epoch: 'e1', offset: 5 })
  expect(missed).toEqual([])
  expect(eventBus.gaps).toBe(0)
})

test.each([
  ['before the head is known', true],
  ['after the head is known', false],
])(
  'a listener hears every transaction that a relay hands over, also when it begins %s',
  async (_, isFirst) => {
    const { bus: eventBus, delivered } = bus(3)
    const heard: number[] = []
    eventBus.on((transaction) => void heard.push(...transaction.map(({ position }) => position.offset)))
    if (isFirst) eventBus.publish([change(1)])
    await eventBus.ready()
    for (const offset of [1, 2, 2, 3, 4]) eventBus.publish([change(offset)])
    expect(heard).toEqual([1, 2, 3, 4])
    // Subscribers that are told of the head have it all up to there.
    expect(delivered).toEqual(isFirst ? [[1], [2], [3], [4]] : [[4]])
  },
)
