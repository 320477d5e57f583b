import { type AnyWhere, compareRows, createRowCodec, defineEntity, matchesWhere } from '@dnr/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { createRealtimeRepository, openDatabase } from '../../src/index.ts'
import { codeOf, openTasks } from '../support/database.ts'

const Item = defineEntity(
  'Item',
  z.object({
    id: z.string(),
    text: z.string().nullable(),
    number: z.number().nullable(),
    flag: z.boolean().nullable(),
    when: z.date().nullable(),
    mixed: z.union([z.string(), z.number(), z.boolean(), z.array(z.number())]).nullable(),
    maybe: z.string().optional(),
  }),
)

// Few values, so that they meet; among them those that UTF-16 and code points order differently.
const texts = fc.constantFrom(
  '',
  'a',
  'A',
  'b',
  '10',
  '9',
  'true',
  'null',
  '\u00e9',
  'e\u0301',
  '\uffff',
  '\ue000',
  '😀',
  '𝒳',
  'a\u0000b',
  '%',
  "'",
  '"a"',
  '2026-01-01T00:00:00.000Z',
)
const numbers = fc.constantFrom(0, -0, 1, -1, 0.1, 9, 10, 1e21, -1e-7, 2 ** 53, 1_700_000_000_000)
const dates = fc.constantFrom(
  new Date(0),
  new Date('2026-01-01T00:00:00.000Z'),
  new Date('2026-06-01T00:00:00.001Z'),
)
const orNull = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: null })
const itemFields = fc.record(
  {
    text: orNull(texts),
    number: orNull(numbers),
    flag: orNull(fc.boolean()),
    when: orNull(dates),
    mixed: orNull(fc.oneof(texts, numbers, fc.boolean(), fc.constant([1]))),
    maybe: texts,
  },
  { requiredKeys: ['text', 'number', 'flag', 'when', 'mixed'] },
)
const rowIds = fc
  .oneof(
    fc.constantFrom('a', 'B', 'é', '😀', '\uffff', '10', '9'),
    fc.string({ minLength: 1, maxLength: 3, unit: 'grapheme-ascii' }),
  )
  .filter((id) => id !== '.' && id !== '..')
const scalars = fc.oneof(texts, numbers, fc.boolean(), fc.constant(null))
// Mostly one comparison at a time: several together seldom leave a row that could tell them apart.
const comparisons = {
  eq: scalars,
  ne: scalars,
  lt: scalars,
  lte: scalars,
  gt: scalars,
  gte: scalars,
  in: fc.array(scalars, { maxLength: 4 }),
}
const conditions = fc.oneof(
  scalars,
  ...Object.entries(comparisons).map(([operator, values]) =>
    fc.record({ [operator]: values as fc.Arbitrary<unknown> }),
  ),
  fc.record(comparisons, { requiredKeys: [] }),
) as fc.Arbitrary<AnyWhere[string]>
const fields = ['id', 'text', 'number', 'flag', 'when', 'mixed', 'maybe', 'version'] as const
const wheres = fc.dictionary(fc.constantFrom(...fields), conditions, { maxKeys: 2 })
const orders = fc.array(
  fc.tuple(
    fc.constantFrom('id', 'text', 'number', 'flag', 'when', 'maybe', 'version'),
    fc.constantFrom('asc' as const, 'desc' as const),
  ),
  { maxLength: 3 },
)

async function openItems(rows: readonly object[]) {
  const database = openDatabase({ path: ':memory:' })
  const items = createRealtimeRepository({ database, entity: Item })
  await database.migrate([items])
  await Promise.all(rows.map((row) => items.create(row as never)))
  return { items, [Symbol.asyncDispose]: () => database.close() }
}

const { encode } = createRowCodec(Item)
const rowSets = fc
  .uniqueArray(fc.tuple(rowIds, itemFields), { selector: ([id]) => id, maxLength: 25 })
  .map((rows) => rows.map(([id, row]) => ({ id, ...row })))

test('find gives the rows that matchesWhere accepts, in the order of compareRows', async () => {
  await fc.assert(
    fc.asyncProperty(
      rowSets,
      fc.array(wheres, { minLength: 1, maxLength: 12 }),
      orders,
      async (rows, filters, orderBy) => {
        await using open = await openItems(rows)
        const all = (await open.items.snapshot()).rows.map(encode)
        expect(all).toHaveLength(rows.length)
        for (const where of filters as AnyWhere[]) {
          const { rows: found } = await open.items.find({
            where,
            orderBy,
            limit: 500,
          })
          const expected = all.filter((row) => matchesWhere(row, where)).sort(compareRows(orderBy))
          expect(found.map(encode)).toEqual(expected)
          expect((await open.items.snapshot({ where })).rows).toHaveLength(expected.length)
        }
      },
    ),
    { numRuns: 150 },
  )
})

test('pages visit each row once, in order, whatever the page size', async () => {
  await fc.assert(
    fc.asyncProperty(rowSets, orders, fc.integer({ min: 1, max: 7 }), async (rows, orderBy, limit) => {
      await using open = await openItems(rows)
      const visited: string[] = []
      let after: string | undefined
      do {
        const page = await open.items.find({
          orderBy,
          limit,
          ...(after === undefined ? {} : { after }),
        })
        visited.push(...page.rows.map(({ id }) => id))
        after = page.next ?? undefined
        expect(page.next === null || page.rows.length === limit).toBe(true)
      } while (after !== undefined)
      const all = (await open.items.snapshot()).rows.map(encode)
      expect(visited).toEqual(all.sort(compareRows(orderBy)).map(({ id }) => id))
    }),
    { numRuns: 60 },
  )
})

test('chunks visit each row once, by id, at the position before the first', async () => {
  await using open = await openTasks()
  await Promise.all(
    Array.from({ length: 25 }, (_, index) =>
      open.tasks.create({ id: `t${index}`, title: 'x', rank: index % 2 }),
    ),
  )
  const before = await open.database.changeLog.head()
  const ids: string[] = []
  const mores: boolean[] = []
  for await (const chunk of open.tasks.snapshotChunks({ where: { rank: 1 } }, { chunkRows: 5 })) {
    ids.push(...chunk.rows.map(({ id }) => id))
    mores.push(chunk.more)
    expect(chunk.position).toEqual(before)
    await open.tasks.create({ title: 'meanwhile' })
  }
  expect(ids).toHaveLength(12)
  expect(ids).toEqual([...ids].sort())
  expect(mores).toEqual([true, true, false])
})

/** Of the texts of a row, as they are stored. */
function charactersOf(row: object): number {
  return Object.values(row).reduce((sum, value) => sum + (typeof value === 'string' ? value.length : 0), 0)
}

test('a chunk ends with the row that makes it large, and each row is visited once', async () => {
  await using open = await openTasks()
  const lengths = [1, 1, 1, 1, 120, 120, 120, 1, 1, 1, 1, 1, 1, 1, 1, 200, 1]
  await open.tasks.createMany(lengths.map((length, n) => ({ id: `t${10 + n}`, title: 'x'.repeat(length) })))
  // The second time it is known how large the last rows were.
  for (const chunkCharacters of [1, 30, 30, 150, 150, 10_000]) {
    const visited: number[] = []
    for await (const { rows, more } of open.tasks.snapshotChunks({}, { chunkRows: 6, chunkCharacters })) {
      expect(rows.length).toBeLessThanOrEqual(6)
      const before = rows.slice(0, -1).reduce((sum, row) => sum + charactersOf(row), 0)
      expect(before).toBeLessThan(chunkCharacters)
      visited.push(...rows.map(({ title }) => title.length))
      expect(more).toBe(visited.length < lengths.length)
    }
    expect(visited).toEqual(lengths)
  }
})

test('chunks of rows that are alike are full', async () => {
  await using open = await openTasks()
  const [row] = await open.tasks.createMany(
    Array.from({ length: 40 }, (_, n) => ({ id: `t${10 + n}`, title: 'x'.repeat(100) })),
  )
  const chunkCharacters = charactersOf(row ?? {}) * 10
  for (let time = 1; time <= 2; time++) {
    const counts: number[] = []
    for await (const { rows } of open.tasks.snapshotChunks({}, { chunkCharacters })) counts.push(rows.length)
    expect(counts).toEqual([10, 10, 10, 10])
  }
})

test.each([0, -1, Number.NaN])('chunks of %s characters are refused', async (chunkCharacters) => {
  await using open = await openTasks()
  const chunks = open.tasks.snapshotChunks({}, { chunkCharacters })[Symbol.asyncIterator]()
  expect(await codeOf(chunks.next())).toBe('bad_option')
})

test('an empty result is one empty chunk', async () => {
  await using open = await openTasks()
  const chunks = []
  for await (const chunk of open.tasks.snapshotChunks()) chunks.push(chunk)
  expect(chunks).toEqual([{ rows: [], position: await open.database.changeLog.head(), more: false }])
})

test('a page says at which position it was read', async () => {
  await using open = await openTasks()
  const { position } = await open.tasks.mutate({ operation: 'create', fields: { title: 'a' } })
  expect((await open.tasks.find()).position).toEqual(position)
  expect((await open.tasks.snapshot()).position).toEqual(position)
})

const sqlInjection = 'title" or 1=1 --'
test.each([
  { where: { [sqlInjection]: 1 } },
  { where: { owner: 'x' } },
  { where: { title: { like: '%' } } },
  { where: { title: { $ne: null } } },
  { where: { title: ['a'] } },
  { where: { title: { eq: { a: 1 } } } },
  { where: { rank: Number.NaN } },
  { where: { title: '\ud800' } },
  { where: { title: { in: 'abc' } } },
  { where: { title: { in: Array.from({ length: 101 }, () => 'a') } } },
  { where: [] },
  { where: { __proto__x: 1 } },
  { orderBy: [[sqlInjection, 'asc']] },
  { orderBy: [['title', 'asc; drop table Task']] },
  { orderBy: [['title']] },
  { orderBy: 'title' },
  { orderBy: Array.from({ length: 9 }, () => ['title', 'asc']) },
  { limit: 0 },
  { limit: 501 },
  { limit: 1.5 },
  { after: 'not a cursor' },
  { after: Buffer.from('["+id"]').toString('base64url') },
  { after: Buffer.from('["+rank+id",1,"x"]').toString('base64url') },
])('the query %j is refused', async (query) => {
  await using open = await openTasks()
  expect(await codeOf(open.tasks.find(query as never))).toBe('bad_query')
})

test('a JSON field has no order', async () => {
  await using open = await openItems([])
  expect(await codeOf(open.items.find({ orderBy: [['mixed', 'asc']] }))).toBe('bad_query')
})
