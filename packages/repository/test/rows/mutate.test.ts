import { DnrError, type Principal } from '@dnr/protocol'
import { createManualClock } from '@dnr/testing'
import { expect, test } from 'vitest'
import { createRealtimeRepository, openDatabase, type WriteImages } from '../../src/index.ts'
import { codeOf, openTasks, Task, temporaryFile } from '../support/database.ts'

const alice: Principal = { id: 'alice' }
const bob: Principal = { id: 'bob' }

test('a mutation id makes a write happen once, and its answer comes back', async () => {
  await using it = await openTasks()
  const create = () =>
    it.tasks.mutate({ operation: 'create', fields: { title: 'a' } }, { principal: alice, mutationId: 'm1' })
  const first = await create()
  await it.tasks.update(first.row?.id ?? '', { title: 'changed since' })
  const second = await create()

  expect(first.replayed).toBe(false)
  expect(second).toEqual({ ...first, replayed: true })
  expect((await it.tasks.find()).rows).toHaveLength(1)
})

test('updates and deletions are replayed too', async () => {
  await using it = await openTasks()
  const { id } = await it.tasks.create({ title: 'a' })
  const update = () =>
    it.tasks.mutate({ operation: 'update', id, fields: { title: 'b' }, ifVersion: 1 }, { mutationId: 'u' })
  const remove = () => it.tasks.mutate({ operation: 'delete', id }, { mutationId: 'd' })
  const answers = [await update(), await remove(), await update(), await remove()]

  expect(answers[2]).toEqual({ ...answers[0], replayed: true })
  expect(answers[3]).toEqual({ ...answers[1], replayed: true })
  expect(answers[3]).toMatchObject({ row: null, version: 3 })
  expect((await it.database.changeLog.head()).offset).toBe(3)
})

test('twins at the same time get the same answer', async () => {
  await using it = await openTasks()
  const twins = await Promise.all(
    Array.from({ length: 5 }, () =>
      it.tasks.mutate({ operation: 'create', fields: { title: 'a' } }, { principal: alice, mutationId: 'm' }),
    ),
  )
  expect(new Set(twins.map(({ row }) => row?.id)).size).toBe(1)
  expect(twins.filter(({ replayed }) => !replayed)).toHaveLength(1)
})

test('an answer outlives the process that gave it', async () => {
  using file = temporaryFile()
  const ids: (string | undefined)[] = []
  for (let run = 0; run < 2; run++) {
    await using it = await openTasks({ path: file.path })
    const { row } = await it.tasks.mutate(
      { operation: 'create', fields: { title: 'a' } },
      { principal: alice, mutationId: 'm' },
    )
    ids.push(row?.id)
  }
  expect(ids[1]).toBe(ids[0])
})

test('a used id with another body is refused; the order of its fields does not matter', async () => {
  await using it = await openTasks()
  const write = (fields: Record<string, unknown>) =>
    it.tasks.mutate({ operation: 'create', fields }, { principal: alice, mutationId: 'm' })
  await write({ title: 'a', rank: 1 })
  expect((await write({ rank: 1, title: 'a' })).replayed).toBe(true)
  expect(await codeOf(write({ title: 'b', rank: 1 }))).toBe('mutation_id_reused')
})

test('the id of a new row may stand beside its fields or among them: it is the same write', async () => {
  await using it = await openTasks()
  const context = { principal: alice, mutationId: 'm' }
  await it.tasks.mutate({ operation: 'create', id: 'x', fields: { title: 'a' } }, context)
  const again = await it.tasks.mutate({ operation: 'create', fields: { id: 'x', title: 'a' } }, context)
  expect(again.replayed).toBe(true)
  const other = it.tasks.mutate({ operation: 'create', fields: { id: 'y', title: 'a' } }, context)
  expect(await codeOf(other)).toBe('mutation_id_reused')
})

test('mutation ids are each user’s own', async () => {
  await using it = await openTasks()
  const write = (principal: Principal | null, title: string) =>
    it.tasks.mutate({ operation: 'create', fields: { title } }, { principal, mutationId: 'm' })
  const answers = [await write(alice, 'a'), await write(bob, 'b'), await write(null, 'c')]
  expect(answers.map(({ replayed }) => replayed)).toEqual([false, false, false])
})

test('a failed write keeps no answer: the same id may be tried again', async () => {
  await using it = await openTasks()
  const write = () =>
    it.tasks.mutate({ operation: 'update', id: 'x', fields: { title: 'b' } }, { mutationId: 'm' })
  expect(await codeOf(write())).toBe('not_found')
  await it.tasks.create({ id: 'x', title: 'a' })
  expect(await write()).toMatchObject({ replayed: false, version: 2 })
})

test.each(['', 'a b', 'ü', 'x'.repeat(129)])('%j cannot be a mutation id', async (mutationId) => {
  await using it = await openTasks()
  expect(await codeOf(it.tasks.create({ title: 'a' }, { mutationId }))).toBe('bad_request')
})

test('a creation that expects a version is refused, not written without a look at it', async () => {
  await using it = await openTasks()
  const create = it.tasks.mutate({ operation: 'create', id: 'x', fields: { title: 'a' }, ifVersion: 1 })
  await expect(create).rejects.toMatchObject({
    code: 'bad_request',
    message: expect.stringContaining('ifVersion'),
  })
  expect(await it.tasks.get('x')).toBeNull()
})

test('authorize sees both images and the names that were given, before the version is checked', async () => {
  await using it = await openTasks()
  const seen: WriteImages<typeof Task>[] = []
  const context = {
    principal: alice,
    authorize: (images: WriteImages<typeof Task>) => void seen.push(images),
  }
  const { row } = await it.tasks.mutate({ operation: 'create', id: 'x', fields: { title: 'a' } }, context)
  const updated = await it.tasks.mutate(
    { operation: 'update', id: 'x', fields: { title: 'b', rank: 1 } },
    context,
  )
  await codeOf(
    it.tasks.mutate({ operation: 'update', id: 'x', fields: { title: 'c' }, ifVersion: 1 }, context),
  )
  await it.tasks.mutate({ operation: 'delete', id: 'x' }, context)

  expect(seen[0]).toEqual({ operation: 'create', before: null, after: row, fields: ['title'], replay: false })
  expect(seen[1]).toEqual({
    operation: 'update',
    before: row,
    after: updated.row,
    fields: ['title', 'rank'],
    replay: false,
  })
  expect(seen[2]).toMatchObject({
    operation: 'update',
    before: updated.row,
    after: { title: 'c', version: 3 },
  })
  expect(seen[3]).toEqual({
    operation: 'delete',
    before: updated.row,
    after: null,
    fields: [],
    replay: false,
  })
})

test('a refusal by authorize writes nothing, and comes out as it is', async () => {
  await using it = await openTasks()
  const authorize = (): void => {
    throw new DnrError('forbidden', 'No.')
  }
  expect(
    await codeOf(
      it.tasks.mutate({ operation: 'create', fields: { title: 'a' } }, { mutationId: 'm', authorize }),
    ),
  ).toBe('forbidden')
  expect((await it.database.changeLog.head()).offset).toBe(0)
  expect(
    (await it.tasks.mutate({ operation: 'create', fields: { title: 'a' } }, { mutationId: 'm' })).replayed,
  ).toBe(false)
})

test('before a stored answer is given again, authorize sees the row as it is now', async () => {
  await using it = await openTasks()
  const seen: WriteImages<typeof Task>[] = []
  const write = () =>
    it.tasks.mutate(
      { operation: 'create', id: 'x', fields: { title: 'a' } },
      { principal: alice, mutationId: 'm', authorize: (images) => void seen.push(images) },
    )
  await write()
  const now = await it.tasks.update('x', { title: 'b' })
  await write()
  await it.tasks.delete('x')
  await write()

  expect(seen.map(({ replay }) => replay)).toEqual([false, true, true])
  expect(seen[1]).toMatchObject({ before: now, after: now })
  expect(seen[2]).toMatchObject({ before: null, after: null })
})

test('prepare fills in what the server decides, reading inside the transaction', async () => {
  const database = openDatabase({ path: ':memory:' })
  const tasks = createRealtimeRepository({
    database,
    entity: Task,
    prepare: {
      create: (fields, { principal, query }) => {
        const [last] = query(
          database.kysely.selectFrom('Task').select('rank').orderBy('rank', 'desc').limit(1),
        )
        return { ...fields, assignee: principal?.id ?? null, rank: Number(last?.['rank'] ?? 0) + 1 }
      },
      update: (patch, before) => ({ ...patch, rank: before.rank + 10 }),
    },
  })
  await database.migrate([tasks])
  const ranks = await Promise.all(
    ['a', 'b', 'c'].map((title) => tasks.create({ title }, { principal: alice })),
  )
  expect(ranks.map(({ rank }) => rank)).toEqual([1, 2, 3])
  expect(ranks[0]).toMatchObject({ assignee: 'alice', status: 'todo' })
  expect(await tasks.update(ranks[0]?.id ?? '', { title: 'z' })).toMatchObject({ title: 'z', rank: 11 })
  expect(await codeOf(tasks.create({ title: '' }))).toBe('bad_field')
  await database.close()
})

test('what a prepare hook returns is checked like input, and what it throws is not swallowed', async () => {
  const database = openDatabase({ path: ':memory:' })
  const tasks = createRealtimeRepository({
    database,
    entity: Task,
    prepare: { create: (fields) => ({ ...fields, colour: 'red' }) },
  })
  const broken = createRealtimeRepository({
    database,
    entity: Task,
    prepare: {
      create: () => {
        throw new TypeError('oops')
      },
    },
  })
  await database.migrate([tasks])
  expect(await codeOf(tasks.create({ title: 'a' }))).toBe('bad_field')
  await expect(broken.create({ title: 'a' })).rejects.toMatchObject({
    code: 'internal',
    cause: { message: 'oops' },
  })
  await database.close()
})

test('F22 a clock that is set ten years forward makes no answer old: a write repeated after a trim still happens once', async () => {
  const clock = createManualClock()
  await using it = await openTasks({ clock })
  const create = () =>
    it.tasks.mutate({ operation: 'create', fields: { title: 'a' } }, { principal: alice, mutationId: 'm1' })
  await create()
  clock.setNow(clock.now() + 315_360_000_000)
  expect(await it.database.changeLog.trim()).toMatchObject({ removedMutations: 0 })
  expect(await create()).toMatchObject({ replayed: true })
  // A day after the jump the answer is a day old at least.
  await clock.advance(86_400_001)
  expect(await it.database.changeLog.trim()).toMatchObject({ removedMutations: 1 })
})
