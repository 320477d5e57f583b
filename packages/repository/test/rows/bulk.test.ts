import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Change, DnrError } from '@dnr/protocol'
import { createManualClock } from '@dnr/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createRealtimeRepository, MAX_BULK_ROWS, openDatabase, type WriteImages } from '../../src/index.ts'
import { codeOf, openTasks, Task, temporaryFile } from '../support/database.ts'
import { expectLogToBeTheTable, ITEM_TABLE, openItems } from '../support/items.ts'

const alice = { id: 'alice' }
const titled = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ id: `t${index}`, title: `${index}` }))

async function published(open: Awaited<ReturnType<typeof openTasks>>, write: () => Promise<unknown>) {
  const batches: string[][] = []
  const relay = open.database.startRelay({
    publish: (changes) =>
      void batches.push(
        changes.map(
          ({ operation, id, version, last }) => `${operation} ${id} ${version}${last ? ' last' : ''}`,
        ),
      ),
  })
  await relay.flush()
  await write()
  await relay.flush()
  await relay.stop()
  return batches
}

test('rows come back in the order given, with defaults, and their events leave together in that order', async () => {
  await using open = await openTasks()
  let rows: readonly { readonly id: string }[] = []
  const batches = await published(open, async () => {
    rows = await open.tasks.createMany(
      [
        { id: 'b', title: 'B' },
        { id: 'a', title: 'A', rank: 2 },
      ],
      { principal: alice },
    )
  })
  expect(rows).toMatchObject([
    { id: 'b', title: 'B', status: 'todo', version: 1 },
    { id: 'a', title: 'A', rank: 2, version: 1 },
  ])
  expect(batches).toEqual([['created b 1', 'created a 1 last']])
  const entries = await open.database.kysely
    .selectFrom('dnr_change_log')
    .select(['actor', 'before'])
    .execute()
  expect(entries).toEqual([
    { actor: 'alice', before: null },
    { actor: 'alice', before: null },
  ])
})

test('what matches is read inside the transaction, and changed by id', async () => {
  await using open = await openTasks()
  await open.tasks.createMany([
    { id: 'b', title: 'B' },
    { id: 'a', title: 'A' },
    { id: 'c', title: 'C', status: 'done' },
  ])
  const late = open.tasks.create({ id: '0', title: 'just before' })
  let answer: unknown
  const batches = await published(open, async () => {
    const update = open.tasks.updateMany({ where: { status: 'todo' } }, { status: 'doing' })
    answer = await update
  })
  await late
  const { epoch } = await open.database.changeLog.head()
  expect(answer).toEqual({ count: 3, position: { epoch, offset: 7 } })
  expect(batches.flat().slice(-3)).toEqual(['updated 0 2', 'updated a 2', 'updated b 2 last'])

  expect(await open.tasks.deleteMany({ where: { status: 'doing' }, limit: 2 })).toMatchObject({ count: 2 })
  expect(await open.tasks.deleteMany({ where: { status: 'doing' }, limit: 2 })).toMatchObject({ count: 1 })
  expect((await open.tasks.snapshot()).rows.map(({ id }) => id)).toEqual(['c'])
})

test('rows named by id are changed in that order, and each must exist', async () => {
  await using open = await openTasks()
  await open.tasks.createMany(titled(3))
  const batches = await published(open, () => open.tasks.updateMany(['t2', 't0'], { rank: 5 }))
  expect(batches).toEqual([['updated t2 2', 'updated t0 2 last']])
  const failed = open.tasks.deleteMany(['t1', 'nobody'])
  await expect(failed).rejects.toMatchObject({
    code: 'not_found',
    message: expect.stringContaining('Row 1:'),
    details: { index: 1 },
  })
  expect((await open.tasks.snapshot()).rows).toHaveLength(3)
})

test('nothing to write is an answer, not an error, and changes nothing', async () => {
  await using open = await openTasks()
  const position = await open.database.changeLog.head()
  expect(await open.tasks.createMany([])).toEqual([])
  expect(await open.tasks.updateMany([], { rank: 1 })).toEqual({ count: 0, position })
  expect(await open.tasks.deleteMany({ where: { status: 'done' } }, { mutationId: 'none' })).toEqual({
    count: 0,
    position,
  })
  expect(await open.database.changeLog.head()).toEqual(position)
})

test('every row is checked before anything is written, and the complaints say which rows', async () => {
  await using open = await openTasks()
  const rows = [{ title: 'fine' }, { title: '' }, { title: 'x', colour: 'red' }, null] as never
  await expect(open.tasks.createMany(rows)).rejects.toMatchObject({
    code: 'bad_field',
    message: expect.stringMatching(/1\.title: .*; 2\.colour: .*; 3\.row: /),
    details: { errors: [{ path: ['1', 'title'] }, { path: ['2', 'colour'] }, { path: ['3', 'row'] }] },
  })
  expect((await open.database.changeLog.head()).offset).toBe(0)
})

test('a row that the table refuses undoes the others, and is named', async () => {
  await using open = await openTasks()
  await open.tasks.create({ id: 't2', title: 'mine' })
  await expect(open.tasks.createMany(titled(4))).rejects.toMatchObject({
    code: 'id_taken',
    details: { index: 2 },
  })
  expect((await open.tasks.snapshot()).rows).toHaveLength(1)
  expect((await open.database.changeLog.head()).offset).toBe(1)
})

const nonsense: readonly [
  string,
  (open: Awaited<ReturnType<typeof openTasks>>) => Promise<unknown>,
  string,
][] = [
  ['no selection', ({ tasks }) => tasks.deleteMany(undefined as never), 'bad_request'],
  ['an empty object', ({ tasks }) => tasks.deleteMany({} as never), 'bad_request'],
  ['a misspelt where', ({ tasks }) => tasks.deleteMany({ wehre: {} } as never), 'bad_request'],
  ['more than a where', ({ tasks }) => tasks.deleteMany({ where: {}, orderBy: [] } as never), 'bad_request'],
  ['a limit of none', ({ tasks }) => tasks.deleteMany({ where: {}, limit: 0 }), 'bad_request'],
  ['a where that is text', ({ tasks }) => tasks.deleteMany({ where: 'all' } as never), 'bad_query'],
  [
    'an unknown field',
    ({ tasks }) => tasks.updateMany({ where: { colour: 'red' } as never }, { rank: 1 }),
    'bad_query',
  ],
  [
    'an unknown operator',
    ({ tasks }) => tasks.updateMany({ where: { title: { like: '%' } } as never }, { rank: 1 }),
    'bad_query',
  ],
  ['an id twice', ({ tasks }) => tasks.deleteMany(['a', 'a']), 'bad_request'],
  ['an id that is none', ({ tasks }) => tasks.deleteMany(['']), 'bad_field'],
  ['an empty patch', ({ tasks }) => tasks.updateMany({ where: {} }, {}), 'bad_field'],
  ['a patch of the id', ({ tasks }) => tasks.updateMany({ where: {} }, { id: 'x' } as never), 'bad_field'],
  ['a patch that does not fit', ({ tasks }) => tasks.updateMany({ where: {} }, { title: '' }), 'bad_field'],
  ['rows that are no list', ({ tasks }) => tasks.createMany({ title: 'x' } as never), 'bad_request'],
  ['a mutation id that is none', ({ tasks }) => tasks.createMany([], { mutationId: 'a b' }), 'bad_request'],
]
test.each(nonsense)('%s is refused', async (_, write, code) => {
  await using open = await openTasks()
  expect(await codeOf(write(open))).toBe(code)
})

test('a call with more rows than fit into a turn is refused and says what to do', async () => {
  await using open = await openTasks()
  const tooMany = titled(MAX_BULK_ROWS + 1)
  await expect(open.tasks.createMany(tooMany)).rejects.toMatchObject({
    code: 'too_many_rows',
    message: expect.stringContaining('several calls'),
  })
  expect(await codeOf(open.tasks.deleteMany(tooMany.map(({ id }) => id)))).toBe('too_many_rows')

  await open.database.transaction(async (tx) => {
    await open.tasks.within(tx).createMany(tooMany.slice(0, 600))
    await open.tasks.within(tx).createMany(tooMany.slice(600))
  })
  expect(await codeOf(open.tasks.updateMany({ where: {} }, { rank: 1 }))).toBe('too_many_rows')
  expect(await open.tasks.updateMany({ where: {}, limit: MAX_BULK_ROWS }, { rank: 1 })).toMatchObject({
    count: MAX_BULK_ROWS,
  })
})

test('a mutation id makes the whole call happen once, and its answer comes back', async () => {
  await using open = await openTasks()
  const options = { principal: alice, mutationId: 'm' }
  const create = () => open.tasks.createMany([{ title: 'A' }, { title: 'B' }], options)
  const rows = await create()
  const update = () => open.tasks.updateMany({ where: {} }, { rank: 3 }, { mutationId: 'u' })
  const remove = () => open.tasks.deleteMany({ where: { rank: 3 } }, { mutationId: 'd' })
  const answers = [await update(), await update(), await remove(), await remove()]

  expect(await create()).toEqual(rows)
  expect(answers).toMatchObject([{ count: 2 }, { count: 2 }, { count: 2 }, { count: 2 }])
  expect([answers[1], answers[3]]).toEqual([answers[0], answers[2]])
  expect((await open.database.changeLog.head()).offset).toBe(6)
  expect(await codeOf(open.tasks.createMany([{ title: 'A' }], options))).toBe('mutation_id_reused')
  expect(await codeOf(open.tasks.create({ title: 'A' }, options))).toBe('mutation_id_reused')
  expect(await codeOf(open.tasks.updateMany({ where: {} }, { rank: 4 }, { mutationId: 'u' }))).toBe(
    'mutation_id_reused',
  )
  const twins = await Promise.all(
    [1, 2].map(() => open.tasks.createMany([{ title: 'C' }], { mutationId: 'twin' })),
  )
  expect(twins[0]).toEqual(twins[1])
})

test('a call that changed nothing answers the same when it is asked again, also by another process', async () => {
  using file = temporaryFile()
  await using first = await openTasks({ path: file.path })
  await first.tasks.create({ title: 'x' })
  await using second = await openTasks({ path: file.path })
  const ask = ({ tasks }: typeof first) =>
    tasks.deleteMany({ where: { title: 'none' } }, { mutationId: 'none' })
  const answer = await ask(second)
  expect(answer).toMatchObject({ count: 0, position: { offset: 1 } })
  expect([await ask(second), await ask(first)]).toEqual([answer, answer])
  const { position: after } = answer
  expect(await second.database.changeLog.read({ after, entity: 'Task', limit: 1 })).toMatchObject({
    holds: true,
  })
})

test('names that the table takes for one row are one row named twice', async () => {
  await using open = await openItems(':memory:', {
    ddl: ITEM_TABLE.replace('TEXT PRIMARY KEY', 'TEXT PRIMARY KEY COLLATE NOCASE'),
  })
  await open.items.createMany([{ id: 'a' }, { id: 'b' }])
  const refused = { code: 'bad_request', details: { index: 2 } }
  await expect(open.items.updateMany(['a', 'B', 'A'], { title: 'y' })).rejects.toMatchObject(refused)
  await expect(open.items.deleteMany(['a', 'B', 'A'])).rejects.toMatchObject(refused)
  expect(await open.items.updateMany(['A', 'b'], { title: 'y' })).toMatchObject({ count: 2 })
  expect(await expectLogToBeTheTable(open)).toHaveLength(4)
})

test('authorize is asked for each row inside the transaction, and its refusal undoes all', async () => {
  await using open = await openTasks()
  const seen: WriteImages<typeof Task>[] = []
  const authorize = (images: WriteImages<typeof Task>): void => {
    seen.push(images)
    if (images.after?.title === 'secret' || images.before?.title === 'secret')
      throw new DnrError('forbidden', 'No.')
  }
  await open.tasks.createMany(titled(2), { authorize, mutationId: 'm' })
  await open.tasks.createMany(titled(2), { authorize, mutationId: 'm' })
  expect(seen.map(({ operation, replay, fields }) => [operation, replay, fields.join()])).toEqual([
    ['create', false, 'id,title'],
    ['create', false, 'id,title'],
    ['create', true, 'id,title'],
    ['create', true, 'id,title'],
  ])
  await open.tasks.create({ id: 't9', title: 'secret' })
  const refused = open.tasks.updateMany({ where: {} }, { rank: 1 }, { authorize })
  await expect(refused).rejects.toMatchObject({ code: 'forbidden', details: { index: 2 } })
  expect(await codeOf(open.tasks.deleteMany({ where: {} }, { authorize }))).toBe('forbidden')
  expect((await open.tasks.find({ where: { version: 1 } })).rows).toHaveLength(3)
})

test('prepare sees the rows before it in the same call', async () => {
  const database = openDatabase({ path: ':memory:' })
  const tasks = createRealtimeRepository({
    database,
    entity: Task,
    prepare: {
      create: (fields, { query, principal }) => {
        const [last] = query(
          database.kysely.selectFrom('Task').select('rank').orderBy('rank', 'desc').limit(1),
        )
        return { ...fields, assignee: principal?.id ?? null, rank: Number(last?.['rank'] ?? 0) + 1 }
      },
    },
  })
  await database.migrate([tasks])
  const rows = await tasks.createMany([{ title: 'a' }, { title: 'b' }], { principal: alice })
  expect(rows).toMatchObject([{ rank: 1, assignee: 'alice' }, { rank: 2 }])
  await database.close()
})

test('inside a transaction a bulk call is all or nothing by itself, and its failure dooms nobody', async () => {
  await using open = await openTasks()
  await open.tasks.create({ id: 't1', title: 'taken' })
  const batches = await published(open, () =>
    open.database.transaction(async (tx) => {
      const tasks = open.tasks.within(tx)
      await tasks.create({ id: 'first', title: 'x' })
      expect(await codeOf(tasks.createMany(titled(3)))).toBe('id_taken')
      expect(await tasks.get('t0')).toBeNull()
      await tasks.updateMany(['t1'], { rank: 9 })
      await tasks.createMany([{ id: 'last', title: 'x' }])
    }),
  )
  expect(batches).toEqual([['created first 1', 'updated t1 2', 'created last 1 last']])
})

test('a bulk call that fails beside others fails alone', async () => {
  await using open = await openTasks()
  await open.tasks.create({ id: 't1', title: 'taken' })
  const outcomes = await Promise.allSettled([
    open.tasks.create({ id: 'x', title: 'x' }),
    open.tasks.createMany(titled(3)),
    open.tasks.createMany([{ id: 'y', title: 'y' }]),
  ])
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect((await open.tasks.snapshot()).rows.map(({ id }) => id)).toEqual(['t1', 'x', 'y'])
})

test('large calls have a turn of the event loop each, small ones share it', async () => {
  await using open = await openTasks()
  const settled: number[] = []
  const sizes = [600, 600, 20, 20]
  const calls = sizes.map((size, call) =>
    open.tasks
      .createMany(Array.from({ length: size }, () => ({ title: 'x' })))
      .then(() => void settled.push(call)),
  )
  const turns: number[] = []
  for (const call of calls) {
    await call
    for (let hops = 0; hops < 50; hops++) await Promise.resolve()
    turns.push(settled.length)
  }
  expect(turns).toEqual([1, 2, 4, 4])
})

test('others are served between the bulk calls of one transaction', async () => {
  await using open = await openTasks()
  const order: string[] = []
  await open.database.transaction(async (tx) => {
    for (const part of [titled(3).slice(0, 2), titled(3).slice(2)]) {
      setImmediate(() => order.push('somebody else'))
      await open.tasks.within(tx).createMany([...part, { title: 'x' }])
      order.push('written')
    }
  })
  expect(order).toEqual(['somebody else', 'written', 'somebody else', 'written'])
})

test('a crash in the middle of a call leaves nothing, and the same call then takes effect', async () => {
  using file = temporaryFile()
  const writer = fileURLToPath(new URL('../support/bulk-crash-writer.ts', import.meta.url))
  const write = (fatalRow: number) =>
    promisify(execFile)(process.execPath, [
      '--conditions=@dnr/source',
      '--no-warnings',
      writer,
      file.path,
      `${fatalRow}`,
    ])
  await expect(write(3)).rejects.toMatchObject({ signal: 'SIGKILL' })
  {
    await using open = await openTasks({ path: file.path })
    expect((await open.tasks.snapshot()).rows).toEqual([])
    expect((await open.database.changeLog.head()).offset).toBe(0)
    expect(await open.database.kysely.selectFrom('dnr_mutations').selectAll().execute()).toEqual([])
  }
  await write(-1)
  await write(3)
  await using open = await openTasks({ path: file.path })
  expect((await open.tasks.snapshot()).rows).toHaveLength(5)
  expect((await open.database.changeLog.head()).offset).toBe(5)
})

test('a row that went with another one of the call, by a foreign key, is counted once and missed by nobody', async () => {
  await using open = await openItems(':memory:', { ddl: ITEM_TABLE })
  await open.items.createMany([{ id: 'a' }, { id: 'b', parent: 'a' }, { id: 'c' }])
  expect(await open.items.deleteMany({ where: {} })).toMatchObject({ count: 2 })
  const changes = await expectLogToBeTheTable(open)
  expect(changes.slice(3).map(({ operation, id }) => `${operation} ${id}`)).toEqual([
    'deleted a',
    'deleted b',
    'deleted c',
  ])
})

const fields = fc.record({ title: fc.constantFrom('x', 'y'), rank: fc.integer({ min: 0, max: 3 }) })
const id = fc.constantFrom('a', 'b', 'c', 'd', 'e')
const calls = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('create' as const),
      rows: fc.array(fc.tuple(id, fields), { maxLength: 4 }),
    }),
    fc.record({ kind: fc.constant('update' as const), ids: fc.uniqueArray(id), patch: fields }),
    fc.record({ kind: fc.constant('updateWhere' as const), rank: fc.nat(3), patch: fields }),
    fc.record({ kind: fc.constant('delete' as const), ids: fc.uniqueArray(id) }),
    fc.record({ kind: fc.constant('deleteWhere' as const), rank: fc.nat(3) }),
  ),
  { maxLength: 12 },
)
type Call = typeof calls extends fc.Arbitrary<(infer C)[]> ? C : never
type Tasks = Pick<
  Awaited<ReturnType<typeof openTasks>>['tasks'],
  'create' | 'update' | 'delete' | 'find' | 'createMany' | 'updateMany' | 'deleteMany'
>

async function inBulk(tasks: Tasks, call: Call): Promise<unknown> {
  switch (call.kind) {
    case 'create':
      return tasks.createMany(call.rows.map(([key, row]) => ({ id: key, ...row })))
    case 'update':
      return (await tasks.updateMany(call.ids, call.patch)).count
    case 'updateWhere':
      return (await tasks.updateMany({ where: { rank: { gte: call.rank } } }, call.patch)).count
    case 'delete':
      return (await tasks.deleteMany(call.ids)).count
    case 'deleteWhere':
      return (await tasks.deleteMany({ where: { rank: call.rank } })).count
  }
}

async function oneByOne(tasks: Tasks, call: Call): Promise<unknown> {
  if (call.kind === 'create') {
    const rows: unknown[] = []
    for (const [key, row] of call.rows) rows.push(await tasks.create({ id: key, ...row }))
    return rows
  }
  const ids =
    'ids' in call
      ? call.ids
      : (
          await tasks.find({ where: { rank: call.kind === 'updateWhere' ? { gte: call.rank } : call.rank } })
        ).rows.map((row) => row.id)
  for (const key of ids) await ('patch' in call ? tasks.update(key, call.patch) : tasks.delete(key))
  return ids.length
}

test('a bulk call comes to the same as its writes one by one: rows, versions, log, batches, answers', async () => {
  await fc.assert(
    fc.asyncProperty(calls, async (list) => {
      const clock = createManualClock({ now: 1 })
      await using many = await openTasks({ clock })
      await using single = await openTasks({ clock })
      const batches: unknown[][] = [[], []]
      const answers: unknown[][] = [[], []]
      const withoutEpoch = (changes: readonly Change[]) =>
        changes.map(({ position, ...change }) => ({ ...change, offset: position.offset }))
      const relays = [many, single].map(({ database }, index) =>
        database.startRelay({ publish: (changes) => void batches[index]?.push(withoutEpoch(changes)) }),
      )
      for (const relay of relays) await relay.flush()
      for (const call of list) {
        answers[0]?.push(await inBulk(many.tasks, call).catch((error: DnrError) => error.code))
        answers[1]?.push(
          await single.database
            .transaction((tx) => oneByOne(single.tasks.within(tx), call))
            .catch((error: DnrError) => error.code),
        )
      }
      for (const relay of relays) await relay.flush()
      expect(answers[0]).toEqual(answers[1])
      expect(batches[0]).toEqual(batches[1])
      expect((await many.tasks.snapshot()).rows).toEqual((await single.tasks.snapshot()).rows)
    }),
    { numRuns: 100 },
  )
})
