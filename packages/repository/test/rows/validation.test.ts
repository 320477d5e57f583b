import { defineEntity } from '@dnr/protocol'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { createRealtimeRepository, openDatabase } from '../../src/index.ts'
import { codeOf, openTasks, Task } from '../support/database.ts'

async function open<E extends Parameters<typeof createRealtimeRepository>[0]['entity']>(entity: E) {
  const database = openDatabase({ path: ':memory:' })
  const rows = createRealtimeRepository({ database, entity })
  await database.migrate([rows])
  return { database, rows, [Symbol.asyncDispose]: () => database.close() }
}

test('fields that the entity does not have are refused by name', async () => {
  await using it = await openTasks()
  const refused = await it.tasks
    .mutate({ operation: 'create', fields: { title: 'a', owner: 'eve', __proto__x: 1 } })
    .catch((error: unknown) => error)
  expect(refused).toMatchObject({
    code: 'bad_field',
    details: { errors: [{ path: ['owner'] }, { path: ['__proto__x'] }] },
  })
  expect(
    await codeOf(
      it.tasks.mutate({
        operation: 'create',
        fields: JSON.parse('{"title":"a","__proto__":{"x":1}}') as object as Record<string, unknown>,
      }),
    ),
  ).toBe('bad_field')
  expect(await codeOf(it.tasks.mutate({ operation: 'create', fields: { title: 'a', version: 7 } }))).toBe(
    'bad_field',
  )
})

test('every bad field of a write is listed, and nothing is written', async () => {
  await using it = await openTasks()
  const refused = await it.tasks
    .mutate({ operation: 'create', fields: { title: '', rank: 'high' } })
    .catch((error: unknown) => error)
  expect(refused).toMatchObject({
    code: 'bad_field',
    details: { errors: [{ path: ['title'] }, { path: ['rank'] }] },
  })
  expect((await it.tasks.find()).rows).toEqual([])
})

test('a patch applies no defaults, moves no id, and may not be empty', async () => {
  await using it = await openTasks()
  const { id } = await it.tasks.create({ title: 'a', status: 'done', rank: 3 })
  expect(await it.tasks.update(id, { title: 'b' })).toMatchObject({ status: 'done', rank: 3 })
  expect(await codeOf(it.tasks.update(id, {}))).toBe('bad_field')
  expect(await codeOf(it.tasks.update(id, { id: 'other' } as never))).toBe('bad_field')
  expect(await codeOf(it.tasks.update(id, { title: null } as never))).toBe('bad_field')
})

test.each(['', '.', '..', 'a\u0000b', 'x'.repeat(201), '\ud800', 5, null])(
  '%j cannot be an id',
  async (id) => {
    await using it = await openTasks()
    expect(await codeOf(it.tasks.create({ id: id as string, title: 'a' }))).toBe('bad_field')
    expect(await codeOf(it.tasks.get(id as string))).toBe('bad_field')
  },
)

test('an id that is taken is refused, whoever asks at the same time', async () => {
  await using it = await openTasks()
  const codes = await Promise.all([
    codeOf(it.tasks.create({ id: 'x', title: 'a' })),
    codeOf(it.tasks.create({ id: 'x', title: 'b' })),
  ])
  expect(codes).toEqual(['resolved', 'id_taken'])
  expect(await codeOf(it.tasks.create({ id: 'x', title: 'c' }))).toBe('id_taken')
  expect(await it.tasks.get('x')).toMatchObject({ title: 'a', version: 1 })
})

test('rules over the whole row hold for new rows and for merged ones', async () => {
  const Span = defineEntity(
    'Span',
    z
      .object({ id: z.string(), start: z.number(), end: z.number() })
      .refine((span) => span.start <= span.end, { message: 'ends before it starts', path: ['end'] }),
  )
  await using it = await open(Span)
  expect(await codeOf(it.rows.create({ start: 2, end: 1 }))).toBe('bad_field')
  const { id } = await it.rows.create({ start: 1, end: 5 })
  await expect(it.rows.update(id, { end: 0 })).rejects.toMatchObject({
    code: 'bad_field',
    details: { errors: [{ path: ['end'], message: 'ends before it starts' }] },
  })
  expect(await it.rows.update(id, { start: 4 })).toMatchObject({ start: 4, end: 5, version: 2 })
})

test('transforms run once, at the write, and not again over their own output', async () => {
  const Note = defineEntity(
    'Note',
    z
      .object({
        id: z.string(),
        text: z.string().transform((text) => `${text}!`),
        flag: z.boolean().default(false),
      })
      .refine(() => true),
  )
  await using it = await open(Note)
  const { id } = await it.rows.create({ text: 'a' })
  expect(await it.rows.update(id, { flag: true })).toMatchObject({ text: 'a!' })
  expect(await it.rows.update(id, { text: 'b' })).toMatchObject({ text: 'b!' })
})

test('booleans, dates, bigints, JSON, and absent fields come back as they were', async () => {
  const Thing = defineEntity(
    'Thing',
    z.object({
      id: z.string(),
      flag: z.boolean(),
      when: z.date(),
      large: z.bigint(),
      data: z.object({ list: z.array(z.number()), deep: z.object({ a: z.string().nullable() }) }),
      mixed: z.union([z.string(), z.number()]),
      maybe: z.string().optional(),
      none: z.string().nullable(),
      ratio: z.number(),
    }),
  )
  await using it = await open(Thing)
  const row = {
    id: 'x',
    flag: true,
    when: new Date('2026-02-28T12:34:56.789Z'),
    large: 123456789012345678901234567890n,
    data: { list: [1, 2.5], deep: { a: null } },
    mixed: '5',
    none: null,
    ratio: 0.1,
  }
  const created = await it.rows.create(row)
  expect(created).toStrictEqual({ ...row, version: 1 })
  expect(await it.rows.get('x')).toStrictEqual({ ...row, version: 1 })
  expect(await it.rows.update('x', { mixed: 5, large: -1n, maybe: 'here' })).toStrictEqual({
    ...row,
    mixed: 5,
    large: -1n,
    maybe: 'here',
    version: 2,
  })
  expect((await it.rows.find({ where: { mixed: 5 } })).rows).toHaveLength(1)
})

test('dates and bigints may come as the wire carries them', async () => {
  const Event = defineEntity('Event', z.object({ id: z.string(), at: z.date(), size: z.bigint() }))
  await using it = await open(Event)
  const { row } = await it.rows.mutate({
    operation: 'create',
    id: 'x',
    fields: { at: '2026-01-02T03:04:05.000Z', size: '7' },
  })
  expect(row).toEqual({ id: 'x', at: new Date('2026-01-02T03:04:05Z'), size: 7n, version: 1 })
  expect(await codeOf(it.rows.mutate({ operation: 'create', fields: { at: 'soon', size: '7' } }))).toBe(
    'bad_field',
  )
})

test('text that SQLite would change, and JSON that cannot be written, are refused', async () => {
  await using it = await openTasks()
  expect(await codeOf(it.tasks.create({ title: 'broken \ud83d' }))).toBe('bad_field')
  const Blob = defineEntity('Blob', z.object({ id: z.string(), data: z.any() }))
  await using other = await open(Blob)
  const circle: Record<string, unknown> = {}
  circle['self'] = circle
  expect(await codeOf(other.rows.create({ data: circle }))).toBe('bad_field')
})

test('JSON that nests deeper than SQLite reads it is refused by name, at the write', async () => {
  const nested = (levels: number): unknown => (levels === 0 ? 'x' : [nested(levels - 1)])
  await using it = await open(defineEntity('Blob', z.object({ id: z.string(), data: z.any() })))
  const refused = { code: 'bad_field', details: { errors: [{ path: ['data'] }] } }
  await expect(it.rows.create({ id: 'a', data: nested(1_001) })).rejects.toMatchObject(refused)
  await it.rows.create({ id: 'a', data: nested(1_000) })
  await expect(it.rows.update('a', { data: nested(1_001) })).rejects.toMatchObject(refused)
  const [row] = await it.database.kysely
    .selectFrom('Blob' as never)
    .select(sql<number>`json_valid(data)`.as('isValid'))
    .execute()
  expect(row).toEqual({ isValid: 1 })
})

test('a schema with asynchronous rules is named as the mistake it is', async () => {
  await using it = await open(
    defineEntity('Slow', z.object({ id: z.string(), name: z.string().refine(async () => true) })),
  )
  expect(await codeOf(it.rows.create({ name: 'x' }))).toBe('bad_entity')
})

test('the schema or the repository may make the ids', async () => {
  let count = 0
  await using it = await open(
    defineEntity('Own', z.object({ id: z.string().default(() => `own-${++count}`) })),
  )
  expect(await it.rows.create({})).toMatchObject({ id: expect.stringMatching(/^own-/) })
  const database = openDatabase({ path: ':memory:' })
  const tasks = createRealtimeRepository({ database, entity: Task, createId: () => 'made' })
  await database.migrate([tasks])
  expect(await tasks.create({ title: 'a' })).toMatchObject({ id: 'made' })
  await database.close()
})
