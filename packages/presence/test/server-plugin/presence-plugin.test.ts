import { drainMicrotasks } from '@dnr/testing'
import { expect, test } from 'vitest'
import { setUp, type Setting } from './setting.ts'

/** Alice, Bob and Carol are here, each with one connection of their initial. */
async function withThree(options?: Parameters<typeof setUp>[0]): Promise<Setting> {
  const setting = setUp(options)
  for (const name of ['alice', 'bob', 'carol']) {
    setting.connect(name.charAt(0), name)
    await setting.say(name.charAt(0), 'presence:join')
  }
  setting.take()
  return setting
}

test('the joiner gets everybody including itself, with its request id; the others hear of the joiner', async () => {
  const { connect, say, take } = setUp()
  connect('a', 'alice')
  connect('b', 'bob')
  await say('a', 'presence:join', {}, { requestId: 'r1' })
  expect(take()).toEqual(['a presence:sync alice×1 r1'])
  await say('b', 'presence:join')
  expect(take()).toEqual(['a presence:join bob×1', 'b presence:sync alice×1,bob×1'])
})

test('the first change is told in its own tick, without a timer', async () => {
  const { connect, post, take } = setUp()
  connect('a', 'alice')
  post('a', 'presence:join')
  await drainMicrotasks()
  expect(take()).toEqual(['a presence:sync alice×1'])
})

test('who watches gets everybody, and is not seen', async () => {
  const { connect, watch, settle, say, take } = await withThree()
  connect('w', 'watcher')
  watch('w')
  await settle()
  expect(take()).toEqual(['w presence:sync alice×1,bob×1,carol×1'])
  await say('a', 'presence:leave')
  expect(take()).toContain('w presence:leave alice×1')
})

test('subscribing and joining within one window is one sync; two requests are two answers', async () => {
  const { connect, watch, post, settle, take } = setUp()
  connect('a', 'alice')
  post('a', 'presence:leave')
  post('a', 'presence:join')
  await drainMicrotasks()
  take()
  watch('a')
  post('a', 'presence:join', {}, { requestId: 'r1' })
  await settle()
  expect(take()).toEqual(['a presence:sync alice×1 r1'])
  post('a', 'presence:join', {}, { requestId: 'r2' })
  post('a', 'presence:join', {}, { requestId: 'r3' })
  await settle()
  expect(take()).toEqual(['a presence:sync alice×1 r2', 'a presence:sync alice×1 r3'])
})

test('a second tab is an update, and its leave is one too; the last leave is a leave (K135)', async () => {
  const { connect, say, take } = await withThree()
  connect('a2', 'alice')
  await say('a2', 'presence:join')
  expect(take()).toEqual([
    'a presence:update alice×2',
    'a2 presence:sync alice×2,bob×1,carol×1',
    'b presence:update alice×2',
    'c presence:update alice×2',
  ])
  await say('a2', 'presence:leave', undefined, { requestId: 'r1' })
  expect(take()).toEqual([
    'a presence:update alice×1',
    'a2 presence:leave  r1',
    'b presence:update alice×1',
    'c presence:update alice×1',
  ])
  await say('a', 'presence:leave')
  expect(take()).toEqual(['a presence:leave alice×1', 'b presence:leave alice×1', 'c presence:leave alice×1'])
})

test('metadata and activity are updates, never leave and join (K136); what nobody would notice is not told', async () => {
  const { say, take, sent } = await withThree()
  await say('a', 'presence:update', { metadata: { card: '7' } })
  expect(sent()[0]?.users).toMatchObject([{ id: 'alice', metadata: { card: '7' } }])
  expect(take()).toEqual(['a', 'b', 'c'].map((to) => `${to} presence:update alice×1`))
  await say('a', 'presence:heartbeat', { state: 'idle' })
  expect(sent()[0]?.users).toMatchObject([{ id: 'alice', state: 'idle' }])
  expect(take()).toHaveLength(3)
  await say('a', 'presence:heartbeat', { state: 'idle' })
  await say('a', 'presence:update', { metadata: { card: '7' } })
  expect(take()).toEqual([])
})

test('a storm of joins is a few messages for each member, and one encoding for those who join together', async () => {
  const { connect, post, clock, sent, encodings } = setUp()
  for (let index = 0; index < 1_000; index++) {
    connect(`c${index}`, `user${index}`)
    post(`c${index}`, 'presence:join')
    // Sockets are read one by one: each join is a turn of the loop, a third of a millisecond after the other.
    if (index % 3 === 0) await clock.advance(1)
    else await drainMicrotasks()
  }
  await clock.advance(1_000)
  const framesByReceiver = Map.groupBy(sent(), ({ to }) => to)
  expect(Math.max(...[...framesByReceiver.values()].map((frames) => frames.length))).toBeLessThanOrEqual(5)
  expect(encodings()).toBeLessThan(20)
  for (const [to, frames] of framesByReceiver) {
    const known = new Set(frames.flatMap(({ users }) => users.map(({ id }) => id)))
    expect([to, known.size]).toEqual([to, 1_000])
  }
})

test('who comes and goes within one window was never there', async () => {
  const { connect, post, drop, settle, take } = await withThree()
  connect('d', 'dave')
  post('a', 'presence:heartbeat', { state: 'away' })
  await drainMicrotasks()
  take()
  post('d', 'presence:join')
  await drainMicrotasks()
  drop('d', 1000)
  await settle()
  expect(take()).toEqual([])
})

test.each([
  ['leave', (setting: Setting) => setting.post('a', 'presence:leave', undefined, { requestId: 'r2' })],
  ['unsubscribe', (setting: Setting) => setting.unwatch('a')],
  ['close', (setting: Setting) => setting.drop('a', 1000)],
  ['loss', (setting: Setting) => setting.drop('a', 1006)],
])('a join whose permission comes after the %s leaves no ghost (V14)', async (_name, end) => {
  const setting = setUp()
  const release = setting.holdPermissions()
  setting.connect('a', 'alice')
  setting.post('a', 'presence:join', {}, { requestId: 'r1' })
  await drainMicrotasks()
  end(setting)
  release()
  await setting.clock.advance(5_000)
  setting.connect('w', 'watcher')
  setting.take()
  setting.watch('w')
  await setting.settle()
  expect(setting.take()).toEqual(['w presence:sync '])
})

test('what one connection sends in one chunk is done in order', async () => {
  const { connect, post, settle, take, refused } = setUp()
  connect('a', 'alice')
  post('a', 'presence:join', {}, { requestId: 'r1' })
  post('a', 'presence:heartbeat', { state: 'away' })
  post('a', 'presence:leave', undefined, { requestId: 'r2' })
  post('a', 'presence:join', {}, { requestId: 'r3' })
  await settle()
  expect(refused).toEqual([])
  expect(take()).toEqual([
    'a presence:leave alice×1 r2',
    'a presence:sync alice×1 r1',
    'a presence:sync alice×1 r3',
  ])
})

test('a connection that waits for one permission is served elsewhere meanwhile', async () => {
  const { connect, post, settle, holdPermissions, take } = setUp()
  connect('a', 'alice')
  const release = holdPermissions()
  post('a', 'presence:join')
  post('a', 'presence:leave', undefined, { channel: 'presence:other' })
  await settle()
  expect(take()).toEqual(['a presence:leave '])
  release()
})

test('a leave ends the subscription of the join, but not one asked for in so many words', async () => {
  const { connect, watch, say, subscribers, take } = await withThree()
  await say('a', 'presence:leave')
  expect([...(subscribers.get('presence:board') ?? [])]).toEqual(['b', 'c'])
  connect('w', 'watcher')
  watch('w')
  await say('w', 'presence:join')
  await say('w', 'presence:leave')
  take()
  await say('b', 'presence:leave')
  expect(take()).toContain('w presence:leave bob×1')
})

test('who leaves before the window ends and goes on watching is told of nobody twice', async () => {
  const { connect, watch, post, settle, take } = setUp()
  connect('a', 'alice')
  connect('b', 'bob')
  watch('a')
  await drainMicrotasks()
  take()
  post('a', 'presence:join', {}, { requestId: 'r1' })
  post('b', 'presence:join')
  await drainMicrotasks()
  post('a', 'presence:leave')
  // Its answer has Bob, of whom the others hear when the window ends.
  expect(take()).toEqual(['a presence:leave alice×1', 'a presence:sync alice×1,bob×1 r1'])
  await settle()
  expect(take()).toEqual(['a presence:sync bob×1', 'b presence:sync bob×1'])
  post('b', 'presence:leave')
  await settle()
  expect(take()).toEqual(['a presence:leave bob×1', 'b presence:leave bob×1'])
})

test('to who joins and leaves within one window, and hears the resource no more, nothing is owed for ever', async () => {
  const { clock, connect, post, say, take } = await withThree()
  connect('d', 'dave')
  await say('a', 'presence:heartbeat', { state: 'away' })
  post('b', 'presence:heartbeat', { state: 'away' })
  await drainMicrotasks()
  post('d', 'presence:join')
  await drainMicrotasks()
  take()
  post('d', 'presence:leave')
  expect(take()).toEqual(['d presence:leave dave×1', 'd presence:sync alice×1,bob×1,carol×1,dave×1'])
  await clock.advance(10_000)
  expect(take()).toEqual([])
  expect(clock.pendingTimers).toBe(0)
})

test('leaving what was not joined is echoed, with nobody in it', async () => {
  const { connect, say, take, refused } = setUp()
  connect('a', 'alice')
  await say('a', 'presence:leave', undefined, { requestId: 'r1' })
  expect(take()).toEqual(['a presence:leave  r1'])
  expect(refused).toEqual([])
})

test.each([
  [1000, 0],
  [4400, 0],
  [4403, 0],
  [1001, 1_000],
  [1005, 1_000],
  [1006, 1_000],
  [4408, 1_000],
  [4503, 1_000],
])('after a close with %i the user leaves %i ms later', async (code, graceMs) => {
  const { clock, drop, take } = await withThree({ ttlMs: 1_000 })
  drop('a', code)
  if (graceMs > 0) {
    await clock.advance(graceMs - 1)
    expect(take()).toEqual([])
    await clock.advance(1)
  }
  await drainMicrotasks()
  expect(take()).toEqual(['b presence:leave alice×1', 'c presence:leave alice×1'])
})

test('whoever is signed out by the server is gone at once; an expired session has the grace to come back', async () => {
  const { clock, drop, take } = await withThree({ ttlMs: 1_000 })
  drop('a', 4401, undefined, 'token_revoked')
  await drainMicrotasks()
  expect(take()).toEqual(['b presence:leave alice×1', 'c presence:leave alice×1'])
  drop('b', 4401, undefined, 'token_expired')
  await drainMicrotasks()
  expect(take()).toEqual([])
  await clock.advance(1_000)
  expect(take()).toHaveLength(1)
})

test('whoever is signed out is gone at once, also with a connection that was lost before', async () => {
  const { clock, connect, say, session, drop, settle, take } = await withThree()
  connect('a2', 'alice')
  await say('a2', 'presence:join')
  drop('a', 1006)
  await settle()
  take()
  session.signedOut('alice')
  await drainMicrotasks()
  expect(take()).toEqual([
    'a2 presence:leave alice×1',
    'b presence:leave alice×1',
    'c presence:leave alice×1',
  ])
  drop('a2', 4401, undefined, 'token_revoked')
  await settle()
  expect(take()).toEqual([])
  expect(clock.pendingTimers).toBe(0)
})

test('one device that is sent away does not end the grace of another', async () => {
  const { connect, say, drop, settle, take } = await withThree()
  connect('a2', 'alice')
  await say('a2', 'presence:join')
  drop('a', 1006)
  drop('a2', 4401, undefined, 'token_revoked')
  await settle()
  expect(take().filter((line) => line.includes('leave'))).toEqual([])
})

test('the time-out includes the time that it took to notice the loss', async () => {
  const { clock, drop, take } = await withThree({ ttlMs: 1_000 })
  drop('a', 4408, 900)
  await clock.advance(99)
  expect(take()).toEqual([])
  await clock.advance(1)
  expect(take()).toHaveLength(2)
  drop('b', 4408, 5_000)
  await clock.advance(30)
  expect(take()).toEqual(['c presence:leave bob×1'])
})

test('a return within the time-out is neither leave nor join, whatever its connection is called (K141)', async () => {
  const { clock, connect, say, drop, take } = await withThree({ ttlMs: 1_000 })
  drop('a', 1006)
  await clock.advance(500)
  connect('a2', 'alice')
  await say('a2', 'presence:join')
  await clock.advance(5_000)
  expect(take()).toEqual(['a2 presence:sync alice×1,bob×1,carol×1'])
})

test('a server full of lost connections tells each resource once, and keeps no timer', async () => {
  const { clock, connect, post, drop, settle, take, session } = setUp({ ttlMs: 1_000 })
  for (let index = 0; index < 100; index++) {
    connect(`c${index}`, `user${index}`)
    post(`c${index}`, 'presence:join')
  }
  connect('w', 'watcher')
  post('w', 'presence:join')
  await clock.advance(1_000)
  take()
  for (let index = 0; index < 100; index++) drop(`c${index}`, 1006)
  await clock.advance(1_100)
  expect(take()).toHaveLength(1)
  drop('w', 1000)
  await settle()
  await settle()
  expect(clock.pendingTimers).toBe(0)
  session.stop()
})

test('a stopped plugin keeps no timer and says nothing more', async () => {
  const { clock, session, drop, take } = await withThree()
  drop('a', 1006)
  session.stop()
  expect(clock.pendingTimers).toBe(0)
  await drainMicrotasks()
  expect(take()).toEqual([])
})

test('refuses what was not joined, and tells nobody of a refused join', async () => {
  const { connect, refused, say, subscribers, take } = setUp()
  connect('a', 'alice')
  await say('a', 'presence:heartbeat')
  await say('a', 'presence:update', { metadata: {} })
  await say('a', 'presence:join', undefined, { channel: 'presence:secret' })
  await say('a', 'presence:join', { metadata: { text: 'x'.repeat(2_000) } })
  await say('a', 'presence:join', {}, { channel: 'room:board' })
  expect(refused).toEqual(['not_joined', 'not_joined', 'bad_metadata', 'bad_channel'])
  expect(subscribers.size).toBe(0)
  expect(take()).toEqual([])
})

test('metadata is counted in bytes, and an update that is too big changes nothing', async () => {
  const { say, refused, take } = await withThree({ maxMetadataBytes: 20 })
  await say('a', 'presence:update', { metadata: { a: 'éééééééé' } })
  expect(refused).toEqual(['bad_metadata'])
  await say('a', 'presence:update', { metadata: { a: 'eeeeeeee' } })
  expect(take()).toHaveLength(3)
})

test('a full resource admits further tabs of its users, and nobody else', async () => {
  const { connect, say, refused, subscribers, take } = await withThree({ maxMembersPerResource: 3 })
  connect('d', 'dave')
  connect('a2', 'alice')
  await say('d', 'presence:join')
  expect(refused).toEqual(['busy'])
  expect(subscribers.get('presence:board')?.has('d')).toBe(false)
  expect(take()).toEqual([])
  await say('a2', 'presence:join')
  expect(take()).toContain('b presence:update alice×2')
})

test('identity comes from the session, not from the payload (K147)', async () => {
  const { connect, say, take, sent } = setUp()
  connect('a', 'alice', 'Alice')
  await say('a', 'presence:join', { id: 'bob', name: 'Bob', users: [], metadata: { id: 'bob' } })
  expect(sent()[0]?.users).toMatchObject([{ id: 'alice', name: 'Alice', metadata: { id: 'bob' } }])
  expect(take()).toEqual(['a presence:sync alice×1'])
})

test.each([
  ['Zoë 👩‍🚀', 'Zoë 👩‍🚀'],
  ['Al\u0000ice\u202e\n', 'Alice'],
  [' \u2028 ', 'alice'],
  ['x'.repeat(500), 'x'.repeat(100)],
  [`${'x'.repeat(99)}😀`, 'x'.repeat(99)],
])('a name is made fit to be shown: %j', async (name, shown) => {
  const { connect, say, sent } = setUp()
  connect('a', 'alice', name)
  await say('a', 'presence:join')
  expect(sent()[0]?.users[0]?.name).toBe(shown)
})

test('a view hides users and takes away what a viewer may not see, in syncs and in changes', async () => {
  const { connect, say, take, sent } = setUp({
    view: (viewer, member) => {
      if (viewer.id === 'bob') return { ...member, metadata: {} }
      return viewer.id === 'carol' && member.metadata['secret'] === true ? null : member
    },
  })
  for (const name of ['alice', 'bob', 'carol']) {
    connect(name.charAt(0), name)
    await say(name.charAt(0), 'presence:join', { metadata: { card: '1' } })
  }
  expect(sent().filter(({ to }) => to === 'b')[0]?.users).toMatchObject([
    { metadata: {} },
    { metadata: { card: '1' } },
  ])
  take()
  await say('a', 'presence:update', { metadata: { secret: true } })
  expect(take()).toEqual(['a presence:update alice×1', 'c presence:leave alice×1'])
  await say('a', 'presence:update', { metadata: {} })
  expect(take()).toEqual(['a presence:update alice×1', 'c presence:join alice×1'])
})

test('a view is asked for each session of a user whose principal says other things, and once for those that are alike', async () => {
  const { connect, say, sent, encodings, settle } = setUp({
    view: (viewer, member) =>
      'isAdmin' in viewer && viewer.isAdmin === true ? member : { ...member, metadata: {} },
  })
  connect('admin', 'bob', undefined, { isAdmin: true })
  connect('plain1', 'bob', undefined, { isAdmin: false, expiresAt: 1 })
  connect('plain2', 'bob', undefined, { isAdmin: false, expiresAt: 2 })
  connect('a', 'alice')
  for (const id of ['admin', 'plain1', 'plain2']) await say(id, 'presence:join')
  await settle()
  const before = { sent: sent().length, encodings: encodings() }
  await say('a', 'presence:join', { metadata: { secret: 1 } })
  const seen = sent()
    .slice(before.sent)
    .filter(({ type }) => type === 'presence:join')
    .map(({ to, users }) => [to, users[0]?.metadata])
  expect(seen).toEqual([
    ['admin', { secret: 1 }],
    ['plain1', {}],
    ['plain2', {}],
  ])
  // One for the admin's session, one for the other two, and the answer to the join.
  expect(encodings() - before.encodings).toBe(3)
})

test('a view is asked for each session whose principal cannot be compared', async () => {
  const { connect, say, sent } = setUp({
    view: (viewer, member) =>
      'roles' in viewer && (viewer.roles as Set<string>).has('admin') ? member : null,
  })
  connect('admin', 'bob', undefined, { roles: new Set(['admin']) })
  connect('plain', 'bob', undefined, { roles: new Set() })
  connect('a', 'alice', undefined, { roles: new Set() })
  for (const id of ['admin', 'plain', 'a']) await say(id, 'presence:join')
  const heard = sent().filter(({ users }) => users.some(({ id }) => id === 'alice'))
  expect(heard.map(({ to }) => to).sort()).toEqual(['a', 'admin'])
})

test('a view that throws hides the others and nothing else', async () => {
  const { connect, say, take } = setUp({
    view: () => {
      throw new Error('oops')
    },
  })
  connect('a', 'alice')
  connect('b', 'bob')
  await say('a', 'presence:join')
  await say('b', 'presence:join')
  expect(take()).toEqual(['a presence:sync alice×1', 'b presence:sync bob×1'])
})

test.each([{ ttlMs: -1 }, { ttlMs: Number.NaN }, { maxMetadataBytes: -1 }, { maxMembersPerResource: -5 }])(
  'a wrong option is refused by name: %j',
  (options) => {
    expect(() => setUp(options)).toThrow(Object.keys(options)[0])
  },
)

test('joins under the same request id in one tick are answered with one encoding', async () => {
  const { connect, post, settle, take, encodings } = setUp()
  for (const id of ['a', 'b', 'c']) connect(id, `user-${id}`)
  for (const id of ['a', 'b', 'c']) post(id, 'presence:join', {}, { requestId: 'join' })
  await settle()
  expect(encodings()).toBe(1)
  expect(take()).toHaveLength(3)
})

test('who goes on after a change of rights is told who is here: meanwhile nothing was', async () => {
  const { settle, say, take, subscribers, session } = await withThree()
  subscribers.get('presence:board')?.delete('c')
  await say('a', 'presence:leave')
  expect(take().filter((line) => line.startsWith('c'))).toEqual([])
  subscribers.get('presence:board')?.add('c')
  session.rechecked('c', 'presence:board')
  await settle()
  expect(take()).toEqual(['c presence:sync bob×1,carol×1'])
})

test.each(['rechecked', 'subscribed'] as const)(
  'a session that was renewed under another name is an update when it is %s, and of a watcher it is none',
  async (event) => {
    const { connect, watch, session, settle, take, sent } = await withThree()
    connect('w', 'watcher')
    watch('w')
    await settle()
    take()
    connect('a', 'alice', 'Alice\u202e Renamed')
    connect('w', 'watcher', 'Other')
    for (const id of ['a', 'b', 'w']) session[event](id, 'presence:board')
    await settle()
    expect(sent().find(({ to }) => to === 'c')?.users).toMatchObject([
      { name: 'Alice Renamed', connections: 1 },
    ])
    const all = 'alice×1,bob×1,carol×1'
    expect(take()).toEqual([
      `a presence:sync ${all}`,
      `b presence:sync ${all}`,
      'c presence:update alice×1',
      `w presence:sync ${all}`,
    ])
    session[event]('a', 'presence:board')
    await settle()
    expect(take()).toEqual([`a presence:sync ${all}`])
  },
)

test('an answer that is owed while a right is asked about waits for it, and goes with who goes', async () => {
  const { connect, drop, post, settle, take, subscribers, session } = await withThree()
  const board = subscribers.get('presence:board')
  for (const id of ['d', 'e']) {
    connect(id, `user-${id}`)
    post(id, 'presence:join', {}, { requestId: 'r1' })
  }
  post('a', 'presence:join', {}, { requestId: 'r2' })
  await drainMicrotasks()
  take()
  post('d', 'presence:join', {}, { requestId: 'r3' })
  post('e', 'presence:join', {}, { requestId: 'r3' })
  await drainMicrotasks()
  board?.delete('d')
  board?.delete('e')
  await settle()
  expect(take().filter((line) => /^[de]/.test(line))).toEqual([])
  drop('e', 1000)
  board?.add('d')
  session.rechecked('d', 'presence:board')
  await settle()
  const sync = 'presence:sync alice×1,bob×1,carol×1,user-d×1'
  expect(take().filter((line) => /^[de]/.test(line))).toEqual([`d ${sync} r3`])
})

test('what somebody says of themselves waits while it is asked whether they may be here', async () => {
  const setting = await withThree()
  const release = setting.holdPermissions()
  await setting.say('a', 'presence:update', { metadata: { card: 1 } })
  expect(setting.take()).toEqual([])
  release()
  await setting.settle()
  expect(setting.take()).toEqual([
    'a presence:update alice×1',
    'b presence:update alice×1',
    'c presence:update alice×1',
  ])
})

test('metadata that is too big is refused before it waits, however long a rule fails', async () => {
  const setting = await withThree({ maxMetadataBytes: 20 })
  const release = setting.holdPermissions()
  await setting.say('a', 'presence:update', { metadata: { card: 1 } })
  await setting.say('a', 'presence:update', { metadata: { a: 'x'.repeat(20) } })
  await setting.say('a', 'presence:join', { metadata: { a: 'x'.repeat(20) } })
  expect(setting.refused).toEqual(['bad_metadata', 'bad_metadata'])
  release()
  await setting.settle()
  expect(setting.take()).toHaveLength(3)
})

test('a leave waits for nobody: what waits for a permission is cancelled', async () => {
  const setting = await withThree()
  const release = setting.holdPermissions()
  setting.watch('a')
  await setting.settle()
  setting.take()
  setting.post('a', 'presence:update', { metadata: { card: 1 } })
  setting.post('a', 'presence:update', { metadata: { card: 2 } })
  await setting.say('a', 'presence:leave', undefined, { requestId: 'r1' })
  expect(setting.refused).toEqual(['cancelled'])
  expect(setting.take()).toEqual([
    'a presence:leave alice×1',
    'a presence:leave alice×1 r1',
    'b presence:leave alice×1',
    'c presence:leave alice×1',
  ])
  await setting.say('a', 'presence:join', { metadata: { card: 3 } })
  release()
  await setting.settle()
  expect(setting.refused).toEqual(['cancelled', 'cancelled'])
  expect(setting.sent().findLast(({ to }) => to === 'b')?.users).toMatchObject([{ metadata: { card: 3 } }])
})

test('sixteen messages of one person wait for a permission, more are busy; a leave is never refused', async () => {
  const setting = setUp()
  const release = setting.holdPermissions()
  setting.connect('a', 'alice')
  setting.connect('b', 'bob')
  for (let said = 0; said < 18; said++) setting.post('a', 'presence:join', {}, { requestId: `r${said}` })
  await setting.say('b', 'presence:join')
  expect(setting.refused).toEqual(['busy'])
  await setting.say('a', 'presence:leave')
  expect(setting.refused.slice(1)).toEqual(Array(16).fill('cancelled'))
  expect(setting.take()).toEqual(['a presence:leave '])
  release()
  await setting.settle()
  expect(setting.take().filter((line) => line.startsWith('b'))).toEqual(['b presence:sync bob×1'])
})
