import { DnrError } from '@dnr/protocol'
import { expect, test } from 'vitest'
import { openBrowser } from '../src/browser.ts'
import { startStack } from '../src/stack.ts'
import { temporaryFolder } from '../src/temporary-folder.ts'
import { until } from '../src/until.ts'

const titles = (rows: readonly { readonly title: string }[]) => rows.map(({ title }) => title)

test('what one browser writes, another one shows', async () => {
  await using folder = await temporaryFolder()
  await using stack = await startStack({ path: folder.file('tasks.db') })
  using alice = openBrowser(stack.url, 'alice.red')
  using bob = openBrowser(stack.url, 'bob.red')
  const shown = bob.client.collection('Task', { orderBy: [['rank', 'asc']] })
  await shown.ready

  const answer = await alice.client.mutate({
    entity: 'Task',
    operation: 'create',
    id: 't1',
    mutationId: 'm1',
    fields: { title: 'First', rank: 2 },
  })
  expect(answer.row).toMatchObject({ id: 't1', title: 'First', version: 1 })
  await until(shown.rows, (rows) => rows.length === 1)

  await alice.client.mutate({
    entity: 'Task',
    operation: 'create',
    id: 't2',
    mutationId: 'm2',
    fields: { title: 'Before it', rank: 1 },
  })
  await until(shown.rows, (rows) => titles(rows).join() === 'Before it,First')

  await alice.client.mutate({
    entity: 'Task',
    operation: 'update',
    id: 't1',
    mutationId: 'm3',
    fields: { title: 'Changed' },
    ifVersion: 1,
  })
  await until(shown.rows, (rows) => titles(rows).join() === 'Before it,Changed')

  await alice.client.mutate({ entity: 'Task', operation: 'delete', id: 't2', mutationId: 'm4' })
  await until(shown.rows, (rows) => titles(rows).join() === 'Changed')
  expect(shown.byId('t1')).toMatchObject({ version: 2 })
})

test('a write on the server and one over HTTP are shown too', async () => {
  await using folder = await temporaryFolder()
  await using stack = await startStack({ path: folder.file('tasks.db') })
  using alice = openBrowser(stack.url, 'alice.red')
  const shown = alice.client.collection('Task')
  await shown.ready

  await stack.tasks.create({ id: 't1', title: 'By the server' })
  await until(shown.rows, (rows) => rows.length === 1)

  const response = await fetch(`${stack.httpUrl}/api/Task`, {
    method: 'POST',
    headers: { authorization: 'Bearer bob.red', 'content-type': 'application/json' },
    body: JSON.stringify({ id: 't2', title: 'Over HTTP' }),
  })
  expect(response.status).toBe(201)
  await until(shown.rows, (rows) => rows.length === 2)
  expect(shown.byId('t2')).toMatchObject((await response.json()) as object)
})

test('another team sees nothing: not live, not in a snapshot, not by id', async () => {
  await using folder = await temporaryFolder()
  await using stack = await startStack({ path: folder.file('tasks.db') })
  await stack.tasks.create({ id: 'secret', title: 'Blue plan', team: 'blue' })
  using red = openBrowser(stack.url, 'alice.red')
  const heard: object[] = []
  red.client.on('message', (message) => heard.push(message))
  const all = red.client.collection('Task')
  const one = red.client.subscribe('entity:Task:secret', { event: (event) => heard.push(event) })
  await Promise.all([all.ready, one.ready])
  expect(all.rows.value).toEqual([])

  await stack.tasks.update('secret', { title: 'New blue plan' })
  await stack.tasks.create({ id: 'secret2', title: 'Another', team: 'blue' })
  await stack.tasks.delete('secret2')
  // Changes come in log order: once the red one is here, the blue ones would have been.
  await stack.tasks.create({ id: 'r1', title: 'Red plan' })
  await until(all.rows, (rows) => rows.length === 1)
  // The id that one asked for oneself is all that is ever said of it.
  const said = JSON.stringify(heard).replaceAll('"channel":"entity:Task:secret"', '')
  expect(said).toContain('Red plan')
  expect(said).not.toMatch(/secret|lue plan|blue|Another/)

  const refused = red.client.mutate({
    entity: 'Task',
    operation: 'update',
    id: 'secret',
    mutationId: 'm1',
    fields: { title: 'Mine' },
  })
  await expect(refused).rejects.toBeInstanceOf(DnrError)
  expect(await stack.tasks.get('secret')).toMatchObject({ title: 'New blue plan' })
})

test('a row that is handed to another team leaves one screen and enters the other', async () => {
  await using folder = await temporaryFolder()
  await using stack = await startStack({ path: folder.file('tasks.db') })
  await stack.tasks.create({ id: 't1', title: 'Wanderer' })
  using red = openBrowser(stack.url, 'alice.red')
  using blue = openBrowser(stack.url, 'bob.blue')
  const [onRed, onBlue] = [red.client.collection('Task'), blue.client.collection('Task')]
  await Promise.all([onRed.ready, onBlue.ready])
  expect([onRed.rows.value.length, onBlue.rows.value.length]).toEqual([1, 0])

  await stack.tasks.update('t1', { team: 'blue' })
  await Promise.all([
    until(onRed.rows, (rows) => rows.length === 0),
    until(onBlue.rows, (rows) => rows.length === 1),
  ])
  await stack.tasks.update('t1', { team: 'red' })
  await Promise.all([
    until(onRed.rows, (rows) => rows.length === 1),
    until(onBlue.rows, (rows) => rows.length === 0),
  ])
})

test('a transaction that is rolled back publishes nothing, and one that commits arrives whole', async () => {
  await using folder = await temporaryFolder()
  await using stack = await startStack({ path: folder.file('tasks.db') })
  using alice = openBrowser(stack.url, 'alice.red')
  const shown = alice.client.collection('Task')
  await shown.ready
  const sizes: number[] = []
  shown.rows.subscribe((rows) => sizes.push(rows.length))

  const failing = stack.database.transaction(async (tx) => {
    await stack.tasks.within(tx).create({ id: 'ghost', title: 'Never' })
    throw new Error('changed my mind')
  })
  await expect(failing).rejects.toThrow('changed my mind')
  await stack.database.transaction(async (tx) => {
    for (const id of ['a', 'b', 'c']) await stack.tasks.within(tx).create({ id, title: id })
  })
  await until(shown.rows, (rows) => rows.length === 3)
  expect(shown.byId('ghost')).toBeUndefined()
  expect(sizes).toEqual([0, 3])
})

test('a guest is told so, and nothing else', async () => {
  await using folder = await temporaryFolder()
  await using stack = await startStack({ path: folder.file('tasks.db') })
  await stack.tasks.create({ id: 't1', title: 'Red plan' })
  using guest = openBrowser(stack.url, null)
  const shown = guest.client.collection('Task')
  await expect(shown.ready).rejects.toMatchObject({ code: 'unauthorized' })
  expect(shown.rows.value).toEqual([])
})
