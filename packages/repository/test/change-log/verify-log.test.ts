import type { DnrError } from '@dnr/protocol'
import { createSeededRandom } from '@dnr/testing'
import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import type { Verification } from '../../src/change-log/verify-log.ts'
import { nextTurn } from '../../src/database/next-turn.ts'
import { createRealtimeRepository, openDatabase } from '../../src/index.ts'
import { codeOf, openTasks, Task, temporaryFile } from '../support/database.ts'

test('what was written through repositories agrees with the log, whatever it was', async () => {
  await using open = await openTasks()
  const { database, tasks } = open
  for (let index = 0; index < 1_200; index++)
    void tasks.create({ id: `t${index}`, title: 'ä', rank: index / 3 })
  await tasks.update('t3', { done: true, assignee: 'alice' })
  await tasks.delete('t4')
  await tasks.create({ id: 't4', title: 'again' })
  await tasks.delete('t5')
  expect(await database.verify([tasks])).toEqual({ ok: true, rows: 1_199, differences: [] })
})

test('a trimmed log speaks for the rows that it still knows', async () => {
  await using open = await openTasks()
  for (let index = 0; index < 10; index++) await open.tasks.create({ title: 'x' })
  await open.database.changeLog.trim({ keep: 3 })
  expect(await open.database.verify([open.tasks])).toEqual({ ok: true, rows: 10, differences: [] })
})

test('what another program wrote around the log is named', async () => {
  using file = temporaryFile()
  await using open = await openTasks({ path: file.path })
  for (const id of ['changed', 'counted', 'deleted', 'fine']) await open.tasks.create({ id, title: 'x' })
  await open.tasks.delete('deleted')
  await open.tasks.create({ id: 'gone', title: 'x' })
  const plain = new Database(file.path)
  plain.exec("UPDATE Task SET title = 'y' WHERE id = 'changed'")
  plain.exec("UPDATE Task SET version = 7 WHERE id = 'counted'")
  plain.exec("DELETE FROM Task WHERE id = 'gone'")
  plain.exec("CREATE TEMP TABLE copy AS SELECT * FROM Task WHERE id = 'fine'")
  for (const id of ['deleted', 'new']) {
    plain.exec(`UPDATE copy SET id = '${id}'`)
    plain.exec('INSERT INTO Task SELECT * FROM copy')
  }
  plain.close()
  expect(await open.database.verify([open.tasks])).toEqual({
    ok: false,
    rows: 5,
    differences: [
      { entity: 'Task', id: 'changed', difference: 'fields' },
      { entity: 'Task', id: 'counted', difference: 'version' },
      { entity: 'Task', id: 'deleted', difference: 'unlogged' },
      { entity: 'Task', id: 'new', difference: 'unlogged' },
      { entity: 'Task', id: 'gone', difference: 'missing' },
    ],
  })
})

test('others may write and trim meanwhile: nothing is reported that was only under way', async () => {
  using file = temporaryFile({ inMemory: true })
  await using open = await openTasks({ path: file.path })
  const { database, tasks } = open
  for (let index = 0; index < 2_000; index++) void tasks.create({ id: `t${index}`, title: 'x' })
  await tasks.create({ title: 'x' })
  const random = createSeededRandom(59)
  const writing = new AbortController()
  const written = (async () => {
    while (!writing.signal.aborted) {
      const id = `t${Math.floor(random() * 2_200)}`
      const write = random() < 0.6 ? tasks.update(id, { rank: random() }) : tasks.delete(id)
      await write.catch(() => tasks.create({ id, title: 'y' }))
    }
  })()
  for (let round = 0; round < 5; round++)
    expect(await database.verify([tasks])).toMatchObject({ ok: true, differences: [] })
  const trimmed = database.verify([tasks])
  await database.changeLog.trim({ keep: 0 })
  expect(await codeOf(trimmed)).toMatch(/^(busy|resolved)$/)
  writing.abort()
  await written
  expect(await database.verify([tasks])).toMatchObject({ ok: true })
})

test('what is trimmed while rows are compared is no difference, whenever that happens', async () => {
  for (let turns = 1; turns <= 8; turns++) {
    await using open = await openTasks()
    for (let index = 0; index < 1_200; index++) void open.tasks.create({ id: `t${index}`, title: 'x' })
    await open.tasks.update('t0', { done: true })
    const verification = open.database.verify([open.tasks])
    verification.catch(() => {})
    for (let turn = 0; turn < turns; turn++) await nextTurn()
    await open.database.changeLog.trim({ keep: 0 })
    const outcome = await verification.catch(({ code }: DnrError) => code)
    expect(outcome).toSatisfy((found) => found === 'busy' || (found as Verification).ok)
  }
})

test('a field that the entity has got since is not compared', async () => {
  using file = temporaryFile()
  {
    await using open = await openTasks({ path: file.path })
    await open.tasks.create({ title: 'x' })
  }
  const plain = new Database(file.path)
  plain.exec("UPDATE dnr_change_log SET after = json_remove(after, '$.rank')")
  plain.close()
  const database = openDatabase({ path: file.path })
  const tasks = createRealtimeRepository({ database, entity: Task })
  expect(await database.verify([tasks])).toMatchObject({ ok: true })
  const other = openDatabase({ path: ':memory:' })
  expect(await codeOf(other.verify([tasks]))).toBe('bad_option')
  await other.close()
  await database.close()
})
