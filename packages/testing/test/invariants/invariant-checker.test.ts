// The checker on its own: a log written by hand, frames written by hand, and what it says about them.
import type { Change, WireRow } from '@dnr/protocol'
import { describe, expect, test } from 'vitest'
import { createInvariantChecker, type InvariantChecker, type Link, type Property } from '../../src/index.ts'
import { violated } from './violated.ts'

const row = (id: string, version: number, team = 'red', title = `${id}${version}`): WireRow => ({
  id,
  version,
  team,
  title,
})

/** A log of transactions: each a list of `[id, after]`. */
function createLog() {
  const rows = new Map<string, WireRow>()
  let offset = 0
  return (...writes: readonly (readonly [string, WireRow | null, string?])[]): Change[] => {
    const transaction = offset + 1
    return writes.map(([id, after, mutationId = null], index) => {
      const before = rows.get(id) ?? null
      if (after === null) rows.delete(id)
      else rows.set(id, after)
      offset++
      return {
        entity: 'Task',
        id,
        operation: after === null ? 'deleted' : before === null ? 'created' : 'updated',
        version: after?.version ?? (before?.version ?? 0) + 1,
        before,
        after,
        mutationId,
        actor: null,
        at: 0,
        position: { epoch: 'e', offset },
        transaction,
        last: index === writes.length - 1,
      }
    })
  }
}

const link = { name: 'ann#1', host: 'ann' } as Link

/** A further part of a snapshot. */
const further = (rows: readonly WireRow[], more: boolean): string =>
  JSON.stringify({ type: 'snapshot', channel: 'entity:Task', payload: { rows, more } })

function setUp() {
  const teams = new Map([['ann', 'red']])
  const checker = createInvariantChecker({
    rightsOf: (user) => {
      const team = teams.get(user)
      return team === undefined
        ? null
        : { key: team, sees: (each) => each['team'] === team, fields: ['title', 'team'] }
    },
  })
  checker.opened?.(link)
  return { checker, teams, write: createLog() }
}

function subscribe(checker: InvariantChecker, answer: object): void {
  checker.received?.(
    link,
    JSON.stringify({
      type: 'subscribe',
      channel: 'entity:Task',
      requestId: 'r',
      payload: { snapshot: true },
    }),
  )
  checker.sent?.(
    link,
    JSON.stringify({ type: 'subscribed', channel: 'entity:Task', requestId: 'r', payload: answer }),
  )
}

/** Resumes at a position, and is told that it holds. */
function resume(checker: InvariantChecker, offset: number): void {
  const channel = 'entity:Task'
  const [question, answer] = [{ position: at(offset) }, { position: at(offset), recovered: true }]
  checker.received?.(link, JSON.stringify({ type: 'subscribe', channel, requestId: 'r', payload: question }))
  violated(() =>
    checker.sent?.(link, JSON.stringify({ type: 'subscribed', channel, requestId: 'r', payload: answer })),
  )
}

const at = (offset: number) => ({ epoch: 'e', offset })
const event = (type: string, payload: object, offset: number, rest: object = {}): string =>
  JSON.stringify({ type: `entity:${type}`, channel: 'entity:Task', payload, position: at(offset), ...rest })
const snapshot = (offset: number, ...rows: readonly WireRow[]) => ({
  position: at(offset),
  recovered: false,
  snapshot: { rows, more: false },
})

describe('what is sent for a subscription', () => {
  const begin = () => {
    const setting = setUp()
    const { checker, write } = setting
    checker.committed(write(['a', row('a', 1)]))
    subscribe(checker, snapshot(1, row('a', 1)))
    checker.committed(write(['a', row('a', 2)], ['b', row('b', 1)]))
    checker.committed(write(['c', row('c', 1, 'blue')]))
    checker.committed(write(['a', row('a', 3, 'blue')]))
    const send = (text: string): void => checker.sent?.(link, text)
    return { ...setting, send }
  }
  const updated = event('updated', row('a', 2), 2, { more: true })
  const created = event('created', row('b', 1), 3)
  const left = event('deleted', { id: 'a' }, 5, { reason: 'left' })

  test('is right when it is every change that may be seen, in order, once', () => {
    const { send, checker } = begin()
    for (const text of [updated, created, left]) send(text)
    send(JSON.stringify({ type: 'pong', position: at(5) }))
    expect(checker.violation).toBeNull()
  })

  test.each<[string, object, Property | null]>([
    ['goes on when what was to replace it is refused alone', {}, null],
    ['is over when it ends with the refusal', { ended: true }, 'S12'],
  ])('%s', (_, how, property) => {
    const { send, checker } = begin()
    checker.received?.(link, JSON.stringify({ type: 'subscribe', channel: 'entity:Task', requestId: 'r2' }))
    send(JSON.stringify({ type: 'error', channel: 'entity:Task', requestId: 'r2', payload: {}, ...how }))
    expect(violated(() => [updated, created, left].forEach(send))).toBe(property)
  })

  test.each<[string, readonly string[], Property]>([
    ['twice', [updated, created, created], 'S2'],
    ['out of order', [created, updated], 'S2'],
    ['left out', [updated, left], 'S2'],
    ['left out before a pong', [updated, created, JSON.stringify({ type: 'pong', position: at(5) })], 'S2'],
    ['of another row', [event('updated', row('z', 2), 2, { more: true })], 'S2'],
    ['with another content', [event('updated', row('a', 2, 'red', 'false'), 2, { more: true })], 'S2'],
    ['a transaction cut in two', [event('updated', row('a', 2), 2), created], 'S2'],
    ['a transaction that does not go on', [updated, left], 'S2'],
    ['of a row that may not be seen', [updated, created, event('created', row('c', 1, 'blue'), 4)], 'S7'],
    ['without a subscription', [event('created', row('b', 1), 3, { subscription: 'other' })], 'S7'],
  ])('is wrong when it comes %s', (_, frames, property) => {
    const { send, checker } = begin()
    expect(violated(() => frames.forEach(send))).toBe(property)
    expect(checker.violation?.property).toBe(property)
  })

  test('waits for changes that it has not been told of, and is judged then', () => {
    const { checker, write } = setUp()
    checker.committed(write(['a', row('a', 1)]))
    subscribe(checker, snapshot(1, row('a', 1)))
    checker.sent?.(link, event('updated', row('a', 2, 'red', 'wrong'), 2))
    expect(checker.violation).toBeNull()
    expect(violated(() => checker.committed(write(['a', row('a', 2)])))).toBe('S2')
  })

  test('a row that is hidden later need not be told of in between', () => {
    const { checker, write } = setUp()
    checker.committed(write(['a', row('a', 1)]))
    checker.committed(write(['a', row('a', 2)]))
    checker.committed(write(['a', row('a', 3, 'blue')]))
    resume(checker, 1)
    checker.sent?.(link, event('deleted', { id: 'a' }, 3, { reason: 'left' }))
    expect(checker.violation).toBeNull()
  })
})

describe('a snapshot', () => {
  test.each<[string, readonly WireRow[], Property]>([
    ['lacks a row', [row('a', 2)], 'S2'],
    ['has an older row', [row('a', 1), row('b', 1)], 'S2'],
    ['has a row that may not be seen', [row('a', 2), row('b', 1), row('c', 1, 'blue')], 'S7'],
    ['has a field that may not be seen', [{ ...row('a', 2), secret: 'x' }, row('b', 1)], 'S7'],
  ])('is wrong when it %s', (_, rows, property) => {
    const { checker, write } = setUp()
    checker.committed(write(['a', row('a', 1)]))
    checker.committed(write(['a', { ...row('a', 2), secret: 'x' }], ['b', row('b', 1)]))
    checker.committed(write(['c', row('c', 1, 'blue')]))
    expect(violated(() => subscribe(checker, snapshot(4, ...rows)))).toBe(property)
  })
})

test('a position that is not on this history must not be said to hold', () => {
  const { checker, write } = setUp()
  checker.committed(write(['a', row('a', 1)]))
  const [lost] = write(['a', row('a', 2)])
  if (lost === undefined) throw new Error('no change')
  checker.committed([lost])
  checker.restored(1)
  checker.committed([{ ...lost, after: row('a', 2, 'red', 'another'), position: { epoch: 'f', offset: 2 } }])
  resume(checker, 2)
  expect(checker.violation?.property).toBe('S2')
})

describe('a collection', () => {
  const shown = (rows: readonly WireRow[], offset: number) => ({
    name: 'ann/0',
    principal: 'ann',
    entity: 'Task',
    rows,
    position: at(offset),
  })
  const begin = () => {
    const { checker, write } = setUp()
    checker.committed(write(['a', row('a', 1)]))
    checker.committed(write(['a', row('a', 2)]))
    checker.committed(write(['b', row('b', 1)]))
    return checker
  }

  test('is a prefix of the log at its position; a row may be newer', () => {
    const checker = begin()
    checker.applied(shown([row('a', 1)], 1))
    checker.applied(shown([row('a', 2)], 1))
    checker.applied(shown([row('a', 2), row('b', 1)], 3))
    expect(checker.violation).toBeNull()
  })

  test.each<[string, readonly WireRow[], number]>([
    ['an older row than its position says', [row('a', 1)], 2],
    ['no row where one should be', [], 2],
    ['a row that was never committed', [row('a', 2, 'red', 'invented')], 2],
  ])('is wrong with %s', (_, rows, offset) => {
    expect(violated(() => begin().applied(shown(rows, offset)))).toBe('S2')
  })

  test.each<[string, WireRow, boolean, Property | null]>([
    ['while it waits', row('b', 1), true, null],
    ['not when it does not wait', row('b', 1), false, 'S2'],
    ['not as it never was', row('b', 1, 'red', 'invented'), true, 'S2'],
  ])('keeps a row that a restored backup took back: %s', (_, lost, isWaiting, expected) => {
    const checker = begin()
    checker.restored(2)
    expect(violated(() => checker.applied({ ...shown([row('a', 2), lost], 2), isWaiting }))).toBe(expected)
  })

  test('at rest it is exactly its query', () => {
    expect(violated(() => begin().atRest([shown([row('a', 2), row('b', 1)], 3)]))).toBeNull()
    expect(violated(() => begin().atRest([shown([row('a', 2)], 3)]))).toBe('S8')
  })
})

describe('writes', () => {
  test('an acknowledged one is in the log, a refused one is not, each settles once', () => {
    const { checker, write } = setUp()
    for (const id of ['m1', 'm2', 'm3', 'm4']) checker.asked(id, 'ann')
    checker.committed(write(['a', row('a', 1), 'm1'], ['b', row('b', 1), 'm2']))
    checker.settled('m1', 'acknowledged')
    expect(violated(() => checker.settled('m2', 'refused'))).toBe('S4')
    expect(violated(() => checker.settled('m3', 'acknowledged'))).toBe('S4')
    expect(violated(() => checker.settled('m1', 'acknowledged'))).toBe('S10')
    expect(violated(() => checker.atRest([]))).toBe('S4')
  })

  test.each<[string, string, string, Property | null]>([
    ['one author, one row', 'ann', 'a', 'S5'],
    ['two authors', 'bob', 'a', null],
    ['two rows', 'ann', 'b', null],
  ])('acknowledged ones stand in the log as they were asked for: %s', (_, second, id, expected) => {
    const { checker, write } = setUp()
    checker.asked('m1', 'ann')
    checker.asked('m2', second)
    checker.committed([...write([id, row(id, 1), 'm2']), ...write(['a', row('a', 2), 'm1'])])
    checker.settled('m1', 'acknowledged')
    expect(violated(() => checker.settled('m2', 'acknowledged'))).toBe(expected)
  })

  test('one that never settles is told of at rest', () => {
    const { checker } = setUp()
    checker.asked('m1', 'ann')
    expect(violated(() => checker.atRest([]))).toBe('S10')
  })

  test('a mutation id is in the log once', () => {
    const { checker, write } = setUp()
    checker.committed(write(['a', row('a', 1), 'm1']))
    expect(violated(() => checker.committed(write(['a', row('a', 2), 'm1'])))).toBe('S6')
  })
})

test('a position keeps its meaning, and the table is what the log adds up to', () => {
  const { checker, write } = setUp()
  const [change] = write(['a', row('a', 1)])
  if (change === undefined) throw new Error('no change')
  checker.committed([change])
  checker.table('Task', [row('a', 1)])
  expect(violated(() => checker.table('Task', [row('a', 2)]))).toBe('S1')
  expect(violated(() => checker.committed([{ ...change, after: row('a', 1, 'blue') }]))).toBe('S3')
})

test('an answer shows nobody a row that they may not see', () => {
  const { checker, write } = setUp()
  checker.committed(write(['c', row('c', 1, 'blue')]))
  checker.received?.(link, JSON.stringify({ type: 'mutate', requestId: 'r', payload: { entity: 'Task' } }))
  const answer = {
    type: 'error',
    requestId: 'r',
    payload: { code: 'version_conflict', details: { current: row('c', 1, 'blue') } },
  }
  expect(violated(() => checker.sent?.(link, JSON.stringify(answer)))).toBe('S7')
})

test.each<readonly [string, object, Property | null]>([
  [
    'shows',
    { type: 'entity:created', payload: { id: 'b', version: 2, team: 'red', title: 'b2' }, reason: 'entered' },
    null,
  ],
  [
    'does not show',
    {
      type: 'entity:created',
      payload: { id: 'b', version: 1, team: 'blue', title: 'b1' },
      reason: 'entered',
    },
    'S7',
  ],
  ['never showed', { type: 'entity:deleted', payload: { id: 'b' }, reason: 'left' }, 'S7'],
])(
  'rights that were asked about and are the same: a row is told of at the position reached, if the log %s it',
  (_what, told, expected) => {
    const { checker, write } = setUp()
    subscribe(checker, { position: at(0), snapshot: { rows: [], more: false } })
    checker.committed(write(['b', row('b', 1, 'blue')]))
    checker.rightsChanged()
    checker.committed(write(['b', row('b', 2, 'red')]))
    const frame = { channel: 'entity:Task', position: at(1), ...told }
    expect(violated(() => checker.sent?.(link, JSON.stringify(frame)))).toBe(expected)
  },
)

test('rights that changed between a question and its answer: both are taken for right', () => {
  const { checker, teams, write } = setUp()
  checker.committed(write(['a', row('a', 1)]))
  const channel = 'entity:Task'
  checker.received?.(link, JSON.stringify({ type: 'subscribe', channel, requestId: 'r' }))
  teams.set('ann', 'blue')
  checker.rightsChanged()
  checker.sent?.(
    link,
    JSON.stringify({ type: 'subscribed', channel, requestId: 'r', payload: snapshot(1, row('a', 1)) }),
  )
  expect(checker.violation).toBeNull()
})

test.each<[string, WireRow, Property | null]>([
  ['seen by the rights of today', row('b', 1, 'blue'), null],
  ['seen by those of before', row('c', 1), 'S7'],
])('rights that change within a snapshot: the rest of it has rows that are %s', (_, rest, expected) => {
  const { checker, teams, write } = setUp()
  checker.committed(write(['a', row('a', 1)], ['b', row('b', 1, 'blue')], ['c', row('c', 1)]))
  subscribe(checker, { ...snapshot(3), snapshot: { rows: [row('a', 1)], more: true } })
  teams.set('ann', 'blue')
  checker.rightsChanged()
  expect(violated(() => checker.sent?.(link, further([rest], true)))).toBe(expected)
})

test.each([
  ['the difference', [event('deleted', { id: 'a' }, 3, { reason: 'left' })], ['b'], null],
  ['a row of the rights of before', [], ['b'], 'S7'],
  ['none of a row that is seen now', [event('deleted', { id: 'a' }, 3, { reason: 'left' })], [], 'S2'],
  ['an event of the log', [event('deleted', { id: 'a', version: 2 }, 3)], ['b'], 'S2'],
])('rights that change within a snapshot: at its end it has %s', (_, difference, ids, expected) => {
  const { checker, teams, write } = setUp()
  checker.committed(write(['a', row('a', 1)], ['b', row('b', 1, 'blue')], ['c', row('c', 1)]))
  subscribe(checker, { ...snapshot(3), snapshot: { rows: [row('a', 1)], more: true } })
  teams.set('ann', 'blue')
  checker.rightsChanged()
  const told = [
    further(
      ids.map((id) => row(id, 1, 'blue')),
      true,
    ),
    ...difference,
    further([], false),
  ]
  expect(violated(() => told.forEach((frame) => checker.sent?.(link, frame)))).toBe(expected)
})

test.each([
  ['is asked about', true, null],
  ['is not', false, 'S2'],
])(
  'of a row that goes, is made again and goes, the last alone is told where the reader %s',
  (_, isAsked, expected) => {
    const { checker, write } = setUp()
    checker.committed(write(['a', row('a', 1)]))
    subscribe(checker, snapshot(0))
    checker.sent?.(link, event('created', row('a', 1), 1))
    checker.committed(write(['a', null]))
    checker.committed(write(['a', row('a', 3)]))
    checker.committed(write(['a', null]))
    if (isAsked) checker.rightsChanged()
    const last = event('deleted', { id: 'a', version: 4 }, 4)
    expect(violated(() => checker.sent?.(link, last))).toBe(expected)
  },
)

test.each([
  ['reads in pages what came behind its snapshot', true, null],
  ['has been sent all there was before', false, 'S2'],
])(
  'of a row that goes, is made again and goes while the bus is behind, the last alone is told to who %s',
  (_, isReading, expected) => {
    const { checker, write } = setUp()
    const first = write(['a', row('a', 1)])
    const others = [
      write(['b', row('b', 1)]),
      write(['a', null]),
      write(['a', row('a', 3)]),
      write(['a', null]),
    ]
    checker.committed(first)
    subscribe(checker, snapshot(0))
    if (isReading) checker.committed(others.flat())
    checker.sent?.(link, event('created', row('a', 1), 1))
    if (!isReading) checker.committed(others.flat())
    const told = [event('created', row('b', 1), 2), event('deleted', { id: 'a', version: 4 }, 5)]
    expect(violated(() => told.forEach((frame) => checker.sent?.(link, frame)))).toBe(expected)
  },
)

test('where policies fail rows may be missing for a while, but not at rest, and none is shown that may not be seen', () => {
  const { checker, write } = setUp()
  checker.committed(write(['a', row('a', 1)], ['b', row('b', 1)], ['c', row('c', 1, 'blue')]))
  checker.policiesFail()
  subscribe(checker, snapshot(3, row('a', 1)))
  const shown = (...rows: WireRow[]) => ({
    name: 'shown',
    principal: 'ann',
    entity: 'Task',
    rows,
    position: at(3),
  })
  checker.applied(shown(row('a', 1)))
  checker.sent?.(link, event('created', row('b', 1), 3, { reason: 'entered' }))
  checker.sent?.(link, event('deleted', { id: 'a' }, 3, { reason: 'left' }))
  expect(checker.violation).toBeNull()
  expect(violated(() => checker.atRest([shown(row('a', 1))]))).toBe('S8')
  expect(violated(() => checker.applied(shown(row('c', 1, 'blue'))))).toBe('S2')
  expect(violated(() => checker.sent?.(link, event('created', row('c', 1, 'blue'), 3)))).toBe('S7')
})

test('a difference of rights shows rows as they are now, at a position that is not past them yet', () => {
  const { checker, write } = setUp()
  checker.committed(write(['a', row('a', 1, 'blue')]))
  checker.committed(write(['a', row('a', 2, 'blue')]))
  subscribe(checker, snapshot(1))
  checker.rightsChanged()
  checker.committed(write(['a', row('a', 3)]))
  checker.sent?.(link, event('created', row('a', 3), 2, { reason: 'entered' }))
  expect(checker.violation).toBeNull()
  expect(
    violated(() => checker.sent?.(link, event('created', row('a', 2, 'blue'), 2, { reason: 'entered' }))),
  ).toBe('S7')
})

describe('with markers, every byte is searched', () => {
  const setUpMarked = () => {
    const teams = new Map([['ann', 'red']])
    const checker = createInvariantChecker({
      marker: /~\w+~/g,
      rightsOf: (user) => {
        const team = teams.get(user) ?? 'none'
        return { key: team, sees: (each) => each['team'] === team, fields: ['team'] }
      },
    })
    checker.opened?.(link)
    const write = createLog()
    checker.committed(write(['~a~', row('~a~', 1, 'red', '~hidden~')], ['~b~', row('~b~', 1, 'blue')]))
    return { checker, teams }
  }
  const send = (checker: InvariantChecker, frame: object): void => checker.sent?.(link, JSON.stringify(frame))

  test.each([
    ['a field that may not be read, in the text of an error', { message: 'wrong: ~hidden~' }],
    ['the id of a row of others', { message: 'there is ~b~' }],
    ['something that was never committed', { message: 'there is ~c~' }],
  ])('%s', (_what, payload) => {
    const { checker } = setUpMarked()
    expect(violated(() => send(checker, { type: 'error', payload }))).toBe('S7')
  })

  test('what may be read, and what the client itself has said, may be told', () => {
    const { checker } = setUpMarked()
    checker.received?.(link, JSON.stringify({ type: 'unsubscribe', channel: 'entity:Task:~b~' }))
    send(checker, { type: 'unsubscribed', channel: 'entity:Task:~b~' })
    send(checker, { type: 'error', payload: { message: 'there is ~a~' } })
    expect(checker.violation).toBeNull()
  })

  test('what could be read a moment ago may not be told any more', () => {
    const { checker, teams } = setUpMarked()
    teams.set('ann', 'blue')
    checker.rightsChanged()
    expect(violated(() => send(checker, { type: 'error', payload: { message: '~a~' } }))).toBe('S7')
  })
})
