import type { Position, RowOf } from '@dnr/protocol'
import { expectTypeOf, test } from 'vitest'
import type { BulkResult, RealtimeDatabase, RealtimeRepository } from '../../src/index.ts'
import type { Task } from '../support/database.ts'

declare const tasks: RealtimeRepository<typeof Task>
declare const database: RealtimeDatabase<{ project: { id: string; name: string } }>
type Row = RowOf<typeof Task>

test('rows come with the entity’s types and a version', () => {
  expectTypeOf(tasks.create({ title: 'x' })).resolves.toEqualTypeOf<Row>()
  expectTypeOf(tasks.get('x')).resolves.toEqualTypeOf<Row | null>()
  expectTypeOf<Row['status']>().toEqualTypeOf<'todo' | 'doing' | 'done'>()
  expectTypeOf<Row['version']>().toEqualTypeOf<number>()
})

test('a creation needs what has no default, and takes nothing else', () => {
  void tasks.create({ title: 'x', status: 'done', id: 'given' })
  // @ts-expect-error -- title has no default
  void tasks.create({ status: 'done' })
  // @ts-expect-error -- no such status
  void tasks.create({ title: 'x', status: 'later' })
  // @ts-expect-error -- no such field
  void tasks.create({ title: 'x', owner: 'me' })
})

test('bulk calls know rows, ids, conditions and patches', () => {
  expectTypeOf(tasks.createMany([{ title: 'x' }, { id: 'given', title: 'y' }])).resolves.toEqualTypeOf<
    readonly Row[]
  >()
  expectTypeOf(tasks.updateMany(['a', 'b'], { rank: 1 })).resolves.toEqualTypeOf<BulkResult>()
  void tasks.deleteMany({ where: { status: 'done', rank: { lt: 3 } }, limit: 10 })
  // @ts-expect-error -- title has no default
  void tasks.createMany([{ title: 'x' }, { status: 'done' }])
  // @ts-expect-error -- the id cannot change
  void tasks.updateMany({ where: {} }, { id: 'y' })
  // @ts-expect-error -- no such field
  void tasks.deleteMany({ where: { owner: 'me' } })
  // @ts-expect-error -- without a condition it would be every row
  void tasks.deleteMany({})
})

test('a patch takes fields of the entity but the id', () => {
  void tasks.update('x', { rank: 1 }, { ifVersion: 2 })
  // @ts-expect-error -- the id cannot change
  void tasks.update('x', { id: 'y' })
  // @ts-expect-error -- a number
  void tasks.update('x', { rank: 'first' })
})

test('queries know fields, operators and values', () => {
  void tasks.find({
    where: { status: { in: ['todo', 'doing'] }, rank: { gt: 3, lte: 5 }, assignee: null },
    orderBy: [['rank', 'desc']],
  })
  void tasks.find({ where: { version: { gte: 2 } } })
  // @ts-expect-error -- no such field
  void tasks.find({ where: { owner: 'me' } })
  // @ts-expect-error -- no such operator
  void tasks.find({ where: { title: { like: '%x%' } } })
  // @ts-expect-error -- no such status
  void tasks.find({ where: { status: 'later' } })
  // @ts-expect-error -- not a number
  void tasks.find({ where: { rank: { gt: '3' } } })
  // @ts-expect-error -- no such field
  void tasks.find({ orderBy: [['owner', 'asc']] })
  // @ts-expect-error -- no such direction
  void tasks.find({ orderBy: [['rank', 'up']] })
})

test('Kysely knows the user’s own tables', () => {
  expectTypeOf(database.kysely.selectFrom('project').select('name').execute()).resolves.toEqualTypeOf<
    { name: string }[]
  >()
  // @ts-expect-error -- no such table
  void database.kysely.selectFrom('projects')
})

/** What the server asks of a store and of a history; declared there, repeated here by shape. */
interface EntityStorePort {
  readonly entity: typeof Task
  get(id: string): Promise<Row | null>
  find(query?: {
    limit?: number
    after?: string
  }): Promise<{ rows: readonly Row[]; next: string | null; position: Position }>
  snapshotChunks(
    query: object,
    options?: { chunkRows?: number },
  ): AsyncIterable<{ rows: readonly Row[]; position: Position; more: boolean }>
  mutate(
    mutation: {
      operation: 'create' | 'update' | 'delete'
      id?: string
      fields?: Readonly<Record<string, unknown>>
      ifVersion?: number
    },
    context: {
      principal?: { id: string } | null
      mutationId?: string
      authorize?(images: {
        operation: 'create' | 'update' | 'delete'
        before: Row | null
        after: Row | null
        fields: readonly string[]
        replay: boolean
      }): void
    },
  ): Promise<{ row: Row | null; version: number; position: Position; replayed: boolean }>
}

test('a repository fits the server’s port', () => {
  expectTypeOf(tasks).toExtend<EntityStorePort>()
})
