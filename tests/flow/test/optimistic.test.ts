import { expect, test } from 'vitest'
import { openBrowser } from '../src/browser.ts'
import { startStack } from '../src/stack.ts'
import { temporaryFolder } from '../src/temporary-folder.ts'
import { until } from '../src/until.ts'

test('a write is shown at once, acknowledged, seen by others, and settles once', async () => {
  await using folder = await temporaryFolder()
  await using stack = await startStack({ path: folder.file('tasks.db') })
  using alice = openBrowser(stack.url, 'alice.red')
  using bob = openBrowser(stack.url, 'bob.red')
  const tasks = alice.optimistic.collection(alice.client.collection('Task'))
  const bobs = bob.client.collection('Task')
  await bobs.ready
  await until(tasks.status, (status) => status === 'live')

  const titles: string[][] = []
  tasks.rows.subscribe((rows) => titles.push(rows.map(({ title }) => title)))
  const write = tasks.create({ title: 'At once' })
  expect(tasks.rows.value.map(({ title }) => title)).toEqual(['At once'])
  expect(await write.acked).toMatchObject({ title: 'At once', version: 1 })
  await write.synced
  await until(bobs.rows, (rows) => rows[0]?.title === 'At once')
  expect(write.state.value).toBe('synced')
  // Nothing flickers: once it is there it stays.
  expect(titles[0]).toEqual([])
  expect(titles.slice(1).every((each) => each.join() === 'At once')).toBe(true)
  expect(alice.optimistic.pendingCount.value).toBe(0)
})

test('a refused write is taken back and disturbs no other', async () => {
  await using folder = await temporaryFolder()
  await using stack = await startStack({ path: folder.file('tasks.db') })
  await stack.tasks.create({ id: 't1', title: 'Ours' })
  using alice = openBrowser(stack.url, 'alice.red')
  const tasks = alice.optimistic.collection(alice.client.collection('Task'))
  await until(tasks.status, (status) => status === 'live')

  const kept = tasks.update('t1', { title: 'Renamed' })
  const refused = tasks.create({ title: 'For the others', team: 'blue' })
  await expect(refused.acked).rejects.toMatchObject({ code: 'forbidden' })
  await kept.synced
  await until(tasks.rows, (rows) => rows.length === 1)
  expect(tasks.rows.value[0]).toMatchObject({ id: 't1', title: 'Renamed' })
  expect(tasks.failed.value).toHaveLength(1)
  expect(await stack.tasks.find()).toMatchObject({ rows: [{ id: 't1', title: 'Renamed', version: 2 }] })
})

test('writes made offline are sent on return, each once, in order', async () => {
  await using folder = await temporaryFolder()
  await using stack = await startStack({ path: folder.file('tasks.db') })
  using alice = openBrowser(stack.url, 'alice.red')
  const tasks = alice.optimistic.collection(alice.client.collection('Task'))
  await until(tasks.status, (status) => status === 'live')
  alice.client.disconnect()
  await until(alice.client.connected, (connected) => !connected)

  const created = tasks.create({ title: 'Offline' })
  const renamed = tasks.update(created.id, { title: 'Offline, renamed' })
  expect(tasks.rows.value).toMatchObject([{ title: 'Offline, renamed' }])
  alice.client.connect()
  await Promise.all([created.synced, renamed.synced])
  expect(await stack.tasks.get(created.id)).toMatchObject({ title: 'Offline, renamed', version: 2 })
})

test('a write whose answer was lost with the socket takes effect once', async () => {
  await using folder = await temporaryFolder()
  await using stack = await startStack({ path: folder.file('tasks.db') })
  using alice = openBrowser(stack.url, 'alice.red')
  const tasks = alice.optimistic.collection(alice.client.collection('Task'))
  await until(tasks.status, (status) => status === 'live')
  for (let n = 0; n < 5; n++) {
    const write = tasks.create({ title: `Number ${n}` })
    // Long enough for the frame to be on its way; the answer is lost or not, and neither may matter.
    setImmediate(() => alice.cut())
    await write.synced
  }
  const { rows } = await stack.tasks.find()
  expect(rows.map(({ title }) => title).toSorted()).toEqual([0, 1, 2, 3, 4].map((n) => `Number ${n}`))
  expect(rows.every(({ version }) => version === 1)).toBe(true)
})
