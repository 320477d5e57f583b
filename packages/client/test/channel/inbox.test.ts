import type { EntityEvent, Position, WireRow } from '@dnr/protocol'
import { expect, test } from 'vitest'
import { createInbox } from '../../src/channel/inbox.ts'

const at = (offset: number, epoch = 'e'): Position => ({ epoch, offset })
const row = (id: string, version = 1): WireRow => ({ id, version })
const event = (offset: number, rest: Partial<EntityEvent> = {}): EntityEvent =>
  ({
    type: 'entity:updated',
    channel: 'entity:Task',
    timestamp: 0,
    payload: row('a', offset),
    position: at(offset),
    ...rest,
  }) as EntityEvent

function setUp() {
  const out: unknown[][] = []
  const inbox = createInbox({
    rows: (rows, position) => out.push(['rows', rows.map(({ id }) => id).join(''), position.offset]),
    events: (events, position) =>
      out.push(['events', events.map((each) => each.position?.offset).join(), position.offset]),
    gap: (from) => out.push(['gap', from.offset]),
    live: () => out.push(['live']),
  })
  return { inbox, out }
}

function live(offset: number) {
  const t = setUp()
  t.inbox.subscribed({ position: at(offset), recovered: false, snapshot: { rows: [], more: false } })
  t.out.length = 0
  return t
}

test('(G88) events that come during the snapshot wait for its end, and those at or before its position are dropped', () => {
  const { inbox, out } = setUp()
  inbox.subscribed({ position: at(5), recovered: false, snapshot: { rows: [row('a')], more: true } })
  inbox.event(event(5))
  inbox.event(event(6))
  expect(inbox.from.position).toBe(undefined)
  inbox.chunk({ rows: [row('b')], more: false })
  expect(out).toEqual([['rows', 'ab', 5], ['live'], ['events', '6', 6]])
})

test('(G92) a position that holds brings only what was missed, and stays where it was until it comes', () => {
  const { inbox, out } = live(5)
  inbox.cut()
  inbox.subscribed({ position: at(9), recovered: true })
  expect(inbox.from.position).toEqual(at(5))
  inbox.event(event(8))
  expect(out).toEqual([['live'], ['events', '8', 8]])
})

test('(G93) a position that does not hold is given up, also for a lower one of another epoch', () => {
  const { inbox, out } = live(50)
  inbox.cut()
  inbox.subscribed({ position: at(3, 'f'), recovered: false, snapshot: { rows: [row('x')], more: false } })
  expect(out).toEqual([['rows', 'x', 3], ['live']])
  expect(inbox.from.position).toEqual(at(3, 'f'))
})

test('an event without a position comes out where we are, and waits for the snapshot like any other', () => {
  const { inbox, out } = setUp()
  const { position: _none, ...emitted } = event(1)
  inbox.subscribed({ position: at(5), recovered: false, snapshot: { rows: [], more: true } })
  inbox.event(emitted)
  inbox.chunk({ rows: [], more: false })
  inbox.event(emitted)
  inbox.event(event(6))
  expect(out.slice(2)).toEqual([
    ['events', '', 5],
    ['events', '', 5],
    ['events', '6', 6],
  ])
})

test('(G94) a jump of offsets is normal, since hidden rows and other entities count too', () => {
  const { inbox, out } = live(5)
  inbox.event(event(6))
  inbox.event(event(900))
  expect(out).toEqual([
    ['events', '6', 6],
    ['events', '900', 900],
  ])
})

test('(G96) what came already does not come out again, within a transaction and after it', () => {
  const { inbox, out } = live(5)
  for (const next of [
    event(6, { more: true }),
    event(6, { more: true }),
    event(7),
    event(6),
    event(7),
    event(5),
  ])
    inbox.event(next)
  expect(out).toEqual([['events', '6,7', 7]])
})

test('(G96) the position has moved when the handler runs', () => {
  const seen: unknown[] = []
  const inbox = createInbox({ rows() {}, gap() {}, live() {}, events: () => seen.push(inbox.from.position) })
  inbox.subscribed({ position: at(5), recovered: false })
  inbox.event(event(6))
  expect(seen).toEqual([at(6)])
})

test('(G97) the answer carries a position, so that a client that never heard an event resumes', () => {
  const { inbox } = setUp()
  inbox.subscribed({ position: at(5), recovered: false })
  inbox.cut()
  expect(inbox.from.position).toEqual(at(5))
})

test('(G98) a transaction comes out whole, or not at all when the connection ends before its last event', () => {
  const { inbox, out } = live(5)
  inbox.event(event(6, { more: true }))
  inbox.cut()
  expect(inbox.from.position).toEqual(at(5))
  inbox.subscribed({ position: at(7), recovered: true })
  inbox.event(event(6, { more: true }))
  inbox.event(event(7))
  expect(out.slice(1)).toEqual([['events', '6,7', 7]])
})

test('(G98) half a transaction is forgotten when a snapshot takes its place', () => {
  const { inbox, out } = live(5)
  inbox.event(event(6, { more: true }))
  inbox.cut()
  inbox.subscribed({ position: at(6), recovered: false, snapshot: { rows: [], more: false } })
  inbox.event(event(7))
  expect(out.at(-1)).toEqual(['events', '7', 7])
})

test('half a snapshot is forgotten when the connection ends, and the refused position with it', () => {
  const { inbox, out } = live(5)
  inbox.cut()
  inbox.subscribed({ position: at(9), recovered: false, snapshot: { rows: [row('a')], more: true } })
  inbox.cut()
  inbox.chunk({ rows: [row('b')], more: false })
  expect(out).toEqual([])
  expect(inbox.from.position).toBe(undefined)
})

test('a pong moves the position, but not into an unfinished transaction, not backwards and not before the rows', () => {
  const { inbox, out } = live(5)
  inbox.reached(at(8))
  inbox.reached(at(7))
  inbox.event(event(9, { more: true }))
  inbox.reached(at(9))
  expect(out).toEqual([['events', '', 8]])
  const loading = setUp()
  loading.inbox.reached(at(3))
  loading.inbox.subscribed({ position: at(1), snapshot: { rows: [], more: true } })
  loading.inbox.reached(at(3))
  expect(loading.inbox.from.position).toBe(undefined)
})

test('rows that enter or leave by a change of permission come at the position already reached', () => {
  const { inbox, out } = live(5)
  inbox.event(event(5, { type: 'entity:deleted', reason: 'left' }))
  inbox.event(event(5))
  inbox.event(event(4, { type: 'entity:created', reason: 'entered' }))
  expect(out).toEqual([['events', '5', 5]])
})

test('a listener without rows is told of the gap', () => {
  const { inbox, out } = setUp()
  inbox.subscribed({ position: at(5), recovered: false })
  inbox.cut()
  inbox.subscribed({ position: at(9), recovered: false })
  expect(out).toEqual([['live'], ['gap', 5], ['live']])
})

test('before the answer and after the end nothing is heard', () => {
  const { inbox, out } = setUp()
  inbox.event(event(1))
  inbox.chunk({ rows: [row('a')], more: false })
  expect(out).toEqual([])
})

test('how new the rows of a snapshot may be is said with every position after it; a later snapshot counts for itself', () => {
  const { inbox } = setUp()
  const where = () => [inbox.from.position?.offset, inbox.from.readTo?.offset]
  const begin = (more: boolean) =>
    inbox.subscribed({ position: at(5), recovered: false, snapshot: { rows: [row('a')], more } })
  begin(true)
  inbox.chunk({ rows: [row('b')], more: false, readTo: at(7) })
  expect(where()).toEqual([5, 7])
  inbox.event(event(6))
  expect(where()).toEqual([6, 7])
  inbox.reached(at(7))
  expect(where()).toEqual([7, 7])
  inbox.cut()
  begin(true)
  inbox.chunk({ rows: [row('b')], more: false, readTo: at(7) })
  inbox.cut()
  expect(where()).toEqual([5, 7])
  inbox.subscribed({ position: at(5), recovered: true })
  inbox.cut()
  expect(where()).toEqual([5, 7])
  begin(true)
  inbox.cut()
  expect(inbox.from.position).toBe(undefined)
  begin(false)
  expect(where()).toEqual([5, undefined])
})
