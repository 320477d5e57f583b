import { expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { type CreateInput, defineEntity, type RowOf, type UpdateInput } from '../src/entity.ts'
import type { OrderBy, Where } from '../src/query/where.ts'
import type { WireRowOf } from '../src/row-codec.ts'

const Task = defineEntity(
  'Task',
  z.object({
    id: z.string(),
    title: z.string().min(1),
    status: z.enum(['todo', 'done']).default('todo'),
    assignee: z.string().nullable().default(null),
    rank: z.number(),
    dueAt: z.date().optional(),
    tags: z.array(z.string()).default([]),
  }),
)
type Task = typeof Task

test('name and row are inferred from the definition', () => {
  expectTypeOf(Task.name).toEqualTypeOf<'Task'>()
  expectTypeOf<RowOf<Task>['id']>().toEqualTypeOf<string>()
  expectTypeOf<RowOf<Task>['version']>().toEqualTypeOf<number>()
  expectTypeOf<RowOf<Task>['status']>().toEqualTypeOf<'todo' | 'done'>()
  expectTypeOf<RowOf<Task>['assignee']>().toEqualTypeOf<string | null>()
  expectTypeOf<RowOf<Task>['dueAt']>().toEqualTypeOf<Date | undefined>()
  expectTypeOf<RowOf<Task>['tags']>().toEqualTypeOf<string[]>()
  // @ts-expect-error there is no such field
  expectTypeOf<RowOf<Task>['colour']>()
})

test('creating wants what has no default, and takes an id', () => {
  expectTypeOf<{ title: string; rank: number }>().toExtend<CreateInput<Task>>()
  expectTypeOf<{ id: string; title: string; rank: number; status: 'done' }>().toExtend<CreateInput<Task>>()
  // @ts-expect-error the title is missing
  const untitled: CreateInput<Task> = { rank: 1 }
  // @ts-expect-error no such status
  const wrongStatus: CreateInput<Task> = { title: 'x', rank: 1, status: 'later' }
  // @ts-expect-error no such field
  const wrongField: CreateInput<Task> = { title: 'x', rank: 1, colour: 'red' }
  expectTypeOf([untitled, wrongStatus, wrongField]).toEqualTypeOf<CreateInput<Task>[]>()
})

test('updating takes any field but the id', () => {
  expectTypeOf<{ title: string }>().toExtend<UpdateInput<Task>>()
  expectTypeOf<{ title?: string; rank: number }>().toExtend<UpdateInput<Task>>()
  // @ts-expect-error an id never changes
  const newId: UpdateInput<Task> = { id: '2' }
  // @ts-expect-error rank is a number
  const wrongType: UpdateInput<Task> = { rank: '1' }
  expectTypeOf([newId, wrongType]).toEqualTypeOf<UpdateInput<Task>[]>()
})

test('conditions and orders know the fields', () => {
  type Row = RowOf<Task>
  const good: Where<Row> = {
    status: 'todo',
    rank: { gte: 1 },
    assignee: { in: ['alice', null] },
    version: { gt: 1 },
  }
  const order: OrderBy<Row> = [
    ['rank', 'asc'],
    ['title', 'desc'],
  ]
  // @ts-expect-error no such field
  const wrongField: Where<Row> = { colour: 'red' }
  // @ts-expect-error no such status
  const wrongValue: Where<Row> = { status: 'later' }
  // @ts-expect-error no such operator
  const wrongOperator: Where<Row> = { title: { like: 'x' } }
  // @ts-expect-error no such field
  const wrongOrder: OrderBy<Row> = [['colour', 'asc']]
  expectTypeOf([good, wrongField, wrongValue, wrongOperator]).toEqualTypeOf<Where<Row>[]>()
  expectTypeOf([order, wrongOrder]).toEqualTypeOf<OrderBy<Row>[]>()
})

test('a row on the wire has text for dates', () => {
  expectTypeOf<WireRowOf<Task>['dueAt']>().toEqualTypeOf<string | undefined>()
  expectTypeOf<WireRowOf<Task>['title']>().toEqualTypeOf<string>()
  expectTypeOf<WireRowOf<Task>['version']>().toEqualTypeOf<number>()
})

test('an entity needs an id that is text', () => {
  // @ts-expect-error the id is a number
  defineEntity('Task', z.object({ id: z.number() }))
  // @ts-expect-error there is no id
  defineEntity('Task', z.object({ title: z.string() }))
})
