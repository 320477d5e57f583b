import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineEntity, type FieldSchema } from '../src/entity.ts'
import { type FieldKind, fieldKind, fieldKinds } from '../src/field-kind.ts'

// What the compiler makes of `enum Level { Low, High }`.
const Level = { Low: 0, High: 1, 0: 'Low', 1: 'High' } as const

test.each<[string, FieldSchema, FieldKind]>([
  ['string', z.string(), 'string'],
  ['a string with checks', z.string().min(1).trim(), 'string'],
  ['uuid', z.uuid(), 'string'],
  ['email', z.email(), 'string'],
  ['an ISO date as text', z.iso.datetime(), 'string'],
  ['template literal', z.templateLiteral(['id-', z.number()]), 'string'],
  ['number', z.number(), 'number'],
  ['int', z.int(), 'number'],
  ['boolean', z.boolean(), 'boolean'],
  ['date', z.date(), 'date'],
  ['coerced date', z.coerce.date(), 'date'],
  ['bigint', z.bigint(), 'bigint'],
  ['enum of text', z.enum(['a', 'b']), 'string'],
  ['enum of numbers', z.enum({ low: 0, high: 1 }), 'number'],
  ['TypeScript enum of numbers', z.enum(Level), 'number'],
  ['literal', z.literal('a'), 'string'],
  ['literals of numbers', z.literal([1, 2]), 'number'],
  ['literal or null', z.literal(['a', null]), 'string'],
  ['literals of several types', z.literal(['a', 1]), 'json'],
  ['optional', z.string().optional(), 'string'],
  ['nullable', z.number().nullable(), 'number'],
  ['default', z.boolean().default(false), 'boolean'],
  ['prefault', z.string().prefault('x'), 'string'],
  ['catch', z.number().catch(0), 'number'],
  ['readonly', z.date().readonly(), 'date'],
  ['everything around a date', z.date().nullable().optional().default(null), 'date'],
  ['preprocess', z.preprocess(String, z.string()), 'string'],
  ['pipe', z.string().pipe(z.coerce.number()), 'number'],
  ['transform', z.string().transform((text) => text.length), 'json'],
  ['object', z.object({ a: z.string() }), 'json'],
  ['array', z.array(z.string()), 'json'],
  ['record', z.record(z.string(), z.number()), 'json'],
  ['union', z.union([z.string(), z.number()]), 'json'],
  ['unknown', z.unknown(), 'json'],
])('%s is stored as %3$s', (_name, schema, kind) => {
  expect(fieldKind(schema)).toBe(kind)
})

test('every field of an entity has a kind', () => {
  const Task = defineEntity(
    'Task',
    z.object({ id: z.string(), done: z.boolean(), tags: z.array(z.string()) }),
  )
  expect([...fieldKinds(Task)]).toEqual([
    ['id', 'string'],
    ['done', 'boolean'],
    ['tags', 'json'],
  ])
})
