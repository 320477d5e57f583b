import { type AnyEntity, defineEntity, VersionConflict } from '@dnr/protocol'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { createRealtimeRepository, openDatabase, type RealtimeRepository } from '../../src/index.ts'
import { codeOf, openTasks, Task } from '../support/database.ts'

test('a created row has its defaults, an id and version 1, and is there', async () => {
  await using open = await openTasks()
  const task = await open.tasks.create({ title: 'Water the plants' })

  expect(task).toEqual({
    id: expect.any(String),
    title: 'Water the plants',
    status: 'todo',
    assignee: null,
    rank: 0,
    done: false,
    version: 1,
  })
  expect(await open.tasks.get(task.id)).toEqual(task)
})

test('an update changes the given fields alone and raises the version', async () => {
  await using open = await openTasks()
  const { id } = await open.tasks.create({ title: 'a', status: 'doing', rank: 7 })
  const updated = await open.tasks.update(id, { title: 'b' })

  expect(updated).toMatchObject({ title: 'b', status: 'doing', rank: 7, version: 2 })
  expect(await open.tasks.get(id)).toEqual(updated)
})

test('an update at another version is a conflict that carries the current row', async () => {
  await using open = await openTasks()
  const { id } = await open.tasks.create({ title: 'a' })
  const current = await open.tasks.update(id, { title: 'b' })

  const conflict = await open.tasks
    .update(id, { title: 'c' }, { ifVersion: 1 })
    .catch((error: unknown) => error)
  expect(conflict).toBeInstanceOf(VersionConflict)
  expect((conflict as VersionConflict).current).toEqual(current)
  expect(await open.tasks.get(id)).toEqual(current)
  expect(await codeOf(open.tasks.delete(id, { ifVersion: 1 }))).toBe('version_conflict')
})

test('a deleted row is gone, and a row made again under its id goes on counting', async () => {
  await using open = await openTasks()
  await open.tasks.create({ id: 'x', title: 'a' })
  await open.tasks.delete('x')

  expect(await open.tasks.get('x')).toBeNull()
  expect(await codeOf(open.tasks.delete('x'))).toBe('not_found')
  expect(await open.tasks.create({ id: 'x', title: 'again' })).toMatchObject({ version: 3 })
})

const fixedId = z.string().default('main')
const ownId = z.string().overwrite(() => 'main')
test.each<[string, AnyEntity, (() => string)?]>([
  ['createId gives', Task, () => 'main'],
  ['the schema gives by default', defineEntity('Settings', z.object({ id: fixedId, title: z.string() }))],
  ['the schema makes of ours', defineEntity('Settings', z.object({ id: ownId, title: z.string() }))],
])('a row made again under an id that %s goes on counting, too', async (_, entity, createId) => {
  const database = openDatabase({ path: ':memory:' })
  await using _closed = { [Symbol.asyncDispose]: () => database.close() }
  const rows: RealtimeRepository = createRealtimeRepository({
    database,
    entity,
    ...(createId === undefined ? {} : { createId }),
  })
  await database.migrate([rows])
  await rows.create({ title: 'a' })
  await rows.delete('main')
  expect(await rows.create({ title: 'again' })).toMatchObject({ id: 'main', version: 3 })
  expect(await codeOf(rows.update('main', { title: 'b' }, { ifVersion: 1 }))).toBe('version_conflict')
})
