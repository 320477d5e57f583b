// Rows of a snapshot in parts may be newer than its position: the later parts are read after it. Until the stream has told of
// them as well, a restored backup may hold the position and not what they show: the server is told how new they may be.
import type { WireRow } from '@dnr/protocol'
import { expect, test } from 'vitest'
import type { Collection } from '../../src/index.ts'
import { reconnect, settle, setUp, type Setup } from '../setup.ts'

type Row = { readonly id: string; readonly version: number }

const at = (offset: number, epoch = 'e1') => ({ epoch, offset })
const row = (id: string, version: number): Row & WireRow => ({ id, version, title: `${id}${version}` })
const shown = (tasks: Collection<Row>): string =>
  tasks.rows.value.map(({ id, version }) => `${id}${version}`).join(' ')
const asked = (t: Setup): unknown[] =>
  t.server
    .heard('subscribe')
    .map(({ payload }) => [payload?.position, payload?.readTo].map((each) => each?.offset).join())
const say = (t: Setup, message: object): void => t.server.peer.say({ channel: 'entity:Task', ...message })

/** Position 2 holds `a1 b1`. While the second part was read, `b` was changed (3) and `c` created (4); neither is told yet. */
async function open(t: Setup): Promise<Collection<Row>> {
  t.server.commit(['a', 'b'].map((id) => ({ id, fields: { title: `${id}1` } })))
  t.server.held.add('subscribe')
  const tasks = t.client.collection('Task') as unknown as Collection<Row>
  await settle()
  const { requestId } = t.server.heard('subscribe')[0] ?? {}
  const snapshot = { rows: [row('a', 1)], more: true }
  say(t, { type: 'subscribed', requestId, payload: { position: at(2), recovered: false, snapshot } })
  const payload = { rows: [row('b', 2), row('c', 1)], more: false, readTo: at(4) }
  say(t, { type: 'snapshot', payload })
  t.server.held.clear()
  await tasks.ready
  expect([shown(tasks), tasks.position]).toEqual(['a1 b2 c1', at(2)])
  return tasks
}

/** What the later part held, told by the stream. */
function tellRest(t: Setup): void {
  say(t, { type: 'entity:updated', payload: row('b', 2), position: at(3) })
  say(t, { type: 'entity:created', payload: row('c', 1), position: at(4) })
}

test('rows that are newer than their snapshot go with a restored backup that holds its position', async () => {
  await using t = await setUp()
  const tasks = await open(t)
  const before = tasks.byId('a')
  t.server.restart('e2')
  await reconnect(t)
  expect([shown(tasks), asked(t)]).toEqual(['a1 b1', [',', '2,4']])
  expect(tasks.byId('a')).toBe(before)
  // Its next change has the version that was lost.
  t.server.commit([{ id: 'b', fields: { title: 'another' } }])
  await settle()
  expect(tasks.byId('b')).toMatchObject({ version: 2, title: 'another' })
})

test('so they do when the stream had come half the way', async () => {
  await using t = await setUp()
  const tasks = await open(t)
  say(t, { type: 'entity:updated', payload: row('b', 2), position: at(3) })
  await settle()
  t.server.commit([{ id: 'b', fields: { title: 'b2' } }])
  t.server.restart('e2')
  await reconnect(t)
  expect([shown(tasks), asked(t)]).toEqual(['a1 b2', [',', '3,4']])
})

test('so they do when the connection ends in the tick of the last part', async () => {
  await using t = await setUp()
  t.server.commit([{ id: 'a', fields: { title: 'a1' } }])
  t.server.held.add('subscribe')
  const tasks = t.client.collection('Task') as unknown as Collection<Row>
  await settle()
  const { requestId } = t.server.heard('subscribe')[0] ?? {}
  const snapshot = { rows: [], more: true }
  const { onmessage } = t.server.peer.pair.client
  const hear = (message: object): void =>
    onmessage?.({ data: JSON.stringify({ channel: 'entity:Task', ...message }) })
  hear({ type: 'subscribed', requestId, payload: { position: at(1), recovered: false, snapshot } })
  hear({ type: 'snapshot', payload: { rows: [row('a', 2)], more: false, readTo: at(2) } })
  t.server.held.clear()
  t.server.restart('e2')
  await reconnect(t)
  expect([shown(tasks), asked(t)]).toEqual(['a1', [',', '1,2']])
})

test('who was told of all that the parts held resumes', async () => {
  await using t = await setUp()
  const tasks = await open(t)
  tellRest(t)
  await settle()
  t.server.commit([{ id: 'b', fields: { title: 'b2' } }])
  t.server.commit([{ id: 'c', fields: { title: 'c1' } }])
  await reconnect(t)
  expect([shown(tasks), asked(t)]).toEqual(['a1 b2 c1', [',', '4,4']])
})

test('a pong that is as far is the word that there is nothing more to tell: the rows stay', async () => {
  await using t = await setUp()
  const tasks = await open(t)
  say(t, { type: 'pong', position: at(4) })
  await settle()
  t.server.restart('e2')
  expect(shown(tasks)).toBe('a1 b2 c1')
  await reconnect(t)
  expect(asked(t)).toEqual([',', '4,4'])
})

test('who is cut off before the stream has told of all that the parts held resumes, too', async () => {
  await using t = await setUp()
  const tasks = await open(t)
  const before = ['a', 'b', 'c'].map((id) => tasks.byId(id))
  t.server.peer.pair.cut()
  t.server.commit([{ id: 'b', fields: { title: 'b2' } }])
  t.server.commit([{ id: 'c', fields: { title: 'c1' } }])
  t.server.commit([{ id: 'd', fields: { title: 'd1' } }])
  await reconnect(t)
  expect([shown(tasks), asked(t)]).toEqual(['a1 b2 c1 d1', [',', '2,4']])
  expect(['a', 'b', 'c'].map((id) => tasks.byId(id))).toEqual(before)
  expect(tasks.byId('a')).toBe(before[0])
  await reconnect(t)
  expect(asked(t).at(-1)).toBe('5,4')
})
