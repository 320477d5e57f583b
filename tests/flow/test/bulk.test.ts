import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import { openBrowser } from '../src/browser.ts'
import { startStack } from '../src/stack.ts'
import { temporaryFolder } from '../src/temporary-folder.ts'
import { until } from '../src/until.ts'

test('a bulk call arrives as one notification, and so does its update and its deletion', async () => {
  await using folder = await temporaryFolder()
  await using stack = await startStack({ path: folder.file('tasks.db') })
  using alice = openBrowser(stack.url, 'alice.red')
  const shown = alice.client.collection('Task', { where: { done: false } })
  await shown.ready
  const sizes: number[] = []
  shown.rows.subscribe((rows) => sizes.push(rows.length))

  await stack.tasks.createMany(
    Array.from({ length: 500 }, (_, index) => ({ id: `t${index}`, title: `${index}` })),
  )
  await until(shown.rows, (rows) => rows.length === 500)
  await stack.tasks.updateMany({ where: { title: { in: ['1', '2', '3'] } }, limit: 2 }, { done: true })
  await until(shown.rows, (rows) => rows.length === 498)
  await stack.tasks.deleteMany({ where: { done: false } })
  await until(shown.rows, (rows) => rows.length === 0)
  expect(sizes).toEqual([0, 500, 498, 0])
})

test('what another program writes with SQL arrives too: a statement at a time, and only where it may be seen', async () => {
  await using folder = await temporaryFolder()
  await using stack = await startStack({ path: folder.file('tasks.db'), captureTable: true })
  using red = openBrowser(stack.url, 'alice.red')
  using blue = openBrowser(stack.url, 'bob.blue')
  const [onRed, onBlue] = [red.client.collection('Task'), blue.client.collection('Task')]
  await Promise.all([onRed.ready, onBlue.ready])
  const sizes: number[] = []
  onRed.rows.subscribe((rows) => sizes.push(rows.length))

  const program = new Database(folder.file('tasks.db'))
  program.exec(
    "INSERT INTO Task (id, title, team, rank) VALUES ('a', 'A', 'red', 1), ('b', 'B', 'red', 2), ('c', 'C', 'blue', 3)",
  )
  await Promise.all([
    until(onRed.rows, (rows) => rows.length === 2),
    until(onBlue.rows, (rows) => rows.length === 1),
  ])
  program.exec("UPDATE Task SET team = 'blue' WHERE team = 'red'")
  await Promise.all([
    until(onRed.rows, (rows) => rows.length === 0),
    until(onBlue.rows, (rows) => rows.length === 3),
  ])
  expect(sizes).toEqual([0, 2, 0])

  // A row that breaks the schema is nobody's downfall: it is shown as it is, and what follows is shown, too.
  program.exec("INSERT INTO Task (id, title, team, rank, done) VALUES ('odd', '', 'red', 'first', 'maybe')")
  await until(onRed.rows, (rows) => rows.length === 1)
  expect(onRed.byId('odd')).toMatchObject({ rank: 'first', version: 1 })
  await stack.tasks.update('odd', { title: 'Mended', rank: 1 })
  await until(onRed.rows, ([row]) => row?.version === 2)
  const listed = await fetch(`${stack.httpUrl}/api/Task`, { headers: { authorization: 'Bearer alice.red' } })
  expect(await listed.json()).toMatchObject({ rows: [{ id: 'odd', title: 'Mended' }] })
  program.exec('DELETE FROM Task')
  await Promise.all([
    until(onRed.rows, (rows) => rows.length === 0),
    until(onBlue.rows, (rows) => rows.length === 0),
  ])
  program.close()
})
