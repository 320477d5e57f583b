// The checker on channels without rows and over HTTP: frames and answers written by hand, and what it says about them.
import type { Change, WireRow } from '@dnr/protocol'
import { describe, expect, test } from 'vitest'
import {
  createInvariantChecker,
  type Exchange,
  type InvariantChecker,
  type Link,
  type Property,
} from '../../src/index.ts'
import { violated } from './violated.ts'

const BOARD = 'presence:board'
const ROOM = 'room:r'
const linkOf = (host: string): Link => ({ name: `${host}#1`, host, isAlive: true }) as Link
const [ann, bob] = [linkOf('ann'), linkOf('bob')]

/** Ann and Bob may hear everything but what is taken from them. */
function setUp() {
  const denied = new Set<string>()
  const checker = createInvariantChecker({
    marker: /~\w+~/g,
    rightsOf: (user) =>
      denied.has(`${user} rows`)
        ? null
        : { key: user, sees: (row) => row['team'] === user, fields: ['team', 'title'] },
    hears: (user, channel) => !denied.has(`${user} ${channel}`),
  })
  for (const link of [ann, bob]) checker.opened?.(link)
  const deny = (what: string): void => {
    denied.add(what)
    checker.rightsChanged()
  }
  const allow = (what: string): void => {
    denied.delete(what)
    checker.rightsChanged()
  }
  return { checker, deny, allow }
}

const says = (checker: InvariantChecker, link: Link, frame: object): void =>
  checker.received?.(link, JSON.stringify(frame))
const hears = (checker: InvariantChecker, link: Link, frame: object): Property | null =>
  violated(() => checker.sent?.(link, JSON.stringify(frame)))
const people = (type: string, ...users: readonly string[]): object => ({
  type: `presence:${type}`,
  channel: BOARD,
  payload: { users: users.map((id) => ({ id })) },
})

describe('a channel without rows', () => {
  test.each([
    ['that somebody is there', people('join', 'bob')],
    ['that nobody is there', people('sync')],
    ['that it is heard', { type: 'subscribed', channel: BOARD, payload: {} }],
    ['a word', { type: 'message', channel: BOARD, payload: 'x' }],
  ])('is not told of to who may not hear it: %s', (_what, frame) => {
    const { checker, deny } = setUp()
    deny(`ann ${BOARD}`)
    expect(hears(checker, ann, frame)).toBe('S7')
    expect(hears(checker, bob, frame)).toBeNull()
  })

  test('that it is refused or ended may be said, and who leaves is told of themselves', () => {
    const { checker, deny } = setUp()
    deny(`ann ${BOARD}`)
    expect(hears(checker, ann, { type: 'unsubscribed', channel: BOARD })).toBeNull()
    expect(hears(checker, ann, { type: 'error', channel: BOARD, payload: { code: 'forbidden' } })).toBeNull()
    expect(hears(checker, ann, people('leave', 'ann'))).toBeNull()
  })

  test('a word is for those who hear the channel, wherever in a frame it stands, and for its author', () => {
    const { checker, deny } = setUp()
    says(checker, bob, { type: 'message', channel: ROOM, payload: '~secret~' })
    const error = { type: 'error', payload: { message: 'not ~secret~' } }
    expect(hears(checker, ann, error)).toBeNull()
    for (const user of ['ann', 'bob']) deny(`${user} ${ROOM}`)
    expect(hears(checker, ann, error)).toBe('S7')
    expect(hears(checker, bob, error)).toBeNull()
  })

  test('what the application says is known when it is told of', () => {
    const { checker } = setUp()
    const frame = { type: 'message', channel: ROOM, payload: '~news~' }
    expect(hears(checker, ann, frame)).toBe('S7')
    checker.said(ROOM, '~news~')
    expect(hears(checker, ann, frame)).toBeNull()
  })

  test('a word of somebody who could not hear the channel since is not passed on', () => {
    const { checker, deny, allow } = setUp()
    deny(`bob ${ROOM}`)
    const frame = { type: 'message', channel: ROOM, payload: '~intruding~' }
    says(checker, bob, frame)
    expect(hears(checker, ann, frame)).toBe('S7')
    allow(`bob ${ROOM}`)
    expect(hears(checker, ann, frame)).toBeNull()
  })
})

describe('presence', () => {
  const join = { type: 'presence:join', channel: BOARD, requestId: 'j' }

  test.each([
    ['twice in a sync', [people('sync', 'bob', 'bob')]],
    ['coming twice', [people('sync', 'bob'), people('join', 'bob')]],
    ['changing while not here', [people('sync'), people('update', 'bob')]],
    ['leaving while not here', [people('sync'), people('leave', 'bob')]],
  ])('is true: nobody is told of as %s', (_what, frames) => {
    const { checker } = setUp()
    expect(frames.map((frame) => hears(checker, ann, frame)).at(-1)).toBe('S11')
  })

  test('who has joined and not left does not leave, whatever they change', () => {
    const { checker } = setUp()
    says(checker, bob, join)
    hears(checker, bob, { ...people('sync', 'bob'), requestId: 'j' })
    hears(checker, ann, people('sync', 'bob'))
    expect(hears(checker, ann, people('update', 'bob'))).toBeNull()
    expect(hears(checker, ann, people('leave', 'bob'))).toBe('S11')
  })

  test.each([
    ['leaves', (checker: InvariantChecker) => says(checker, bob, { type: 'presence:leave', channel: BOARD })],
    ['is gone', (checker: InvariantChecker) => checker.closed?.(bob, 1000)],
    [
      'is told that it has ended',
      (checker: InvariantChecker) =>
        hears(checker, bob, { type: 'error', channel: BOARD, payload: { code: 'busy' }, ended: true }),
    ],
  ])('who %s may be told of as gone, and is shown no longer at rest', (_how, go) => {
    const { checker } = setUp()
    says(checker, bob, join)
    hears(checker, bob, { ...people('sync', 'bob'), requestId: 'j' })
    hears(checker, ann, people('sync', 'bob'))
    const shown = (...users: string[]) => [{ name: 'ann', channel: BOARD, users }]
    expect(violated(() => checker.atRest([], shown('bob')))).toBeNull()
    expect(violated(() => checker.atRest([], shown()))).toBe('S11')
    go(checker)
    expect(hears(checker, ann, people('leave', 'bob'))).toBeNull()
    expect(violated(() => checker.atRest([], shown('bob')))).toBe('S11')
    expect(violated(() => checker.atRest([], shown()))).toBeNull()
  })
})

test('who is refused one request stays as long as it is not told that anything has ended', () => {
  const { checker } = setUp()
  says(checker, bob, { type: 'presence:join', channel: BOARD, requestId: 'j' })
  hears(checker, bob, { ...people('sync', 'bob'), requestId: 'j' })
  hears(checker, ann, people('sync', 'bob'))
  hears(checker, bob, { type: 'error', channel: BOARD, payload: { code: 'busy' }, requestId: 'again' })
  expect(hears(checker, ann, people('leave', 'bob'))).toBe('S11')
})

test('of two joins one may be refused with busy, and the other be answered', () => {
  const { checker } = setUp()
  const join = { type: 'presence:join', channel: BOARD }
  for (let times = 0; times < 2; times++) says(checker, bob, join)
  hears(checker, bob, { type: 'error', channel: BOARD, payload: { code: 'busy' } })
  hears(checker, bob, people('sync', 'bob'))
  expect(violated(() => checker.atRest([], [{ name: 'ann', channel: BOARD, users: ['bob'] }]))).toBeNull()
})

describe('an answer over HTTP', () => {
  const row = (id: string, team: string): WireRow => ({
    id,
    version: 1,
    team,
    title: `~title${team}~`,
    notes: 'n',
  })
  const changeOf = (after: WireRow, offset: number): Change => ({
    entity: 'Task',
    id: after.id,
    operation: 'created',
    version: 1,
    before: null,
    after,
    mutationId: null,
    actor: null,
    at: 0,
    position: { epoch: 'e', offset },
    transaction: offset,
    last: true,
  })
  const shown = { id: '~a~', version: 1, team: 'ann', title: '~titleann~' }
  const exchange = (body: object, more: Partial<Exchange> = {}): Exchange => ({
    principal: 'ann',
    entity: 'Task',
    asked: '/Task',
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...more,
  })
  const problem = { 'content-type': 'application/problem+json' }

  test.each<readonly [string, Exchange, Property | null]>([
    ['a row as it may be seen', exchange(shown), null],
    ['its version as the ETag', exchange(shown, { headers: { etag: '"1"' } }), null],
    ['another ETag', exchange(shown, { headers: { etag: '"2"' } }), 'S7'],
    ['an ETag without a row', exchange({ code: 'x' }, { headers: { ...problem, etag: '"1"' } }), 'S7'],
    ['rows that may be seen', exchange({ rows: [shown], position: 'e:1' }), null],
    ['a row of others in a list', exchange({ rows: [{ id: '~b~', version: 1, team: 'bob' }] }), 'S7'],
    ['a hidden field', exchange({ ...shown, notes: 'n' }), 'S7'],
    ['a hidden current row', exchange({ current: row('~b~', 'bob') }, { headers: problem }), 'S7'],
    ['a problem that names what is hidden', exchange({ detail: 'not ~b~' }, { headers: problem }), 'S7'],
    [
      'a problem that repeats what was asked',
      exchange({ detail: 'not ~b~' }, { headers: problem, asked: '/Task/~b~' }),
      null,
    ],
    ['a header that names what is hidden', exchange(shown, { headers: { location: '/Task/~b~' } }), 'S7'],
    ['a cursor made of what is hidden', exchange({ rows: [], next: btoa('["~b~"]') }), 'S7'],
  ])('is held against what may be read: %s', (_what, answer, expected) => {
    const { checker } = setUp()
    checker.committed([changeOf(row('~a~', 'ann'), 1), changeOf(row('~b~', 'bob'), 2)])
    expect(violated(() => checker.answered(answer))).toBe(expected)
  })

  test('without any right it holds no row', () => {
    const { checker, deny } = setUp()
    checker.committed([changeOf(row('~a~', 'ann'), 1)])
    deny('ann rows')
    expect(violated(() => checker.answered(exchange({ rows: [] })))).toBeNull()
    expect(violated(() => checker.answered(exchange({ id: 'x', version: 1 })))).toBe('S7')
  })
})
