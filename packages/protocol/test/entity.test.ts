import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { DnrError } from '../src/dnr-error.ts'
import { defineEntity, isEntityName } from '../src/entity.ts'

const schema = z.object({ id: z.string(), title: z.string() })

function refusalOf(define: () => unknown): DnrError {
  try {
    define()
  } catch (error) {
    if (error instanceof DnrError) return error
    throw error
  }
  throw new Error('it was accepted')
}

describe('defineEntity', () => {
  test('keeps name and schema, and cannot be changed afterwards', () => {
    const Task = defineEntity('Task', schema)
    expect(Task).toEqual({ name: 'Task', schema })
    expect(Object.isFrozen(Task)).toBe(true)
  })

  test.each(['', '1Task', 'Ta-sk', 'Ta sk', 'Task:', '_Task', 'Täsk', `T${'x'.repeat(64)}`, 'Task"; --'])(
    'refuses the name %j',
    (name) => {
      const error = refusalOf(() => defineEntity(name, schema))
      expect(error.code).toBe('bad_entity')
      expect(error.message).toContain(name)
    },
  )

  test.each(['a-b', 'a b', '1a', '_a', 'ä', '', 'a"b', '__proto__x'])(
    'refuses the field %j and names it',
    (field) => {
      const shape: typeof schema.shape = { ...schema.shape, [field]: z.string() }
      const error = refusalOf(() => defineEntity('Task', z.object(shape)))
      expect(error.code).toBe('bad_entity')
      expect(error.message).toContain(`Task.${field}`)
    },
  )

  test('refuses a schema without id', () => {
    // @ts-expect-error the compiler says so too
    expect(refusalOf(() => defineEntity('Task', z.object({ title: z.string() })))).toMatchObject({
      code: 'bad_entity',
      message: expect.stringContaining('no id'),
    })
  })

  test('refuses a field called version: the row has its own', () => {
    expect(refusalOf(() => defineEntity('Task', schema.extend({ version: z.number() })))).toMatchObject({
      code: 'bad_entity',
      message: expect.stringContaining('Task.version'),
    })
  })

  test.each([[z.string()], [z.array(schema)], [{}], [null], [undefined], [{ shape: {} }]])(
    'refuses a schema that is no object schema (%#)',
    (value) => {
      expect(refusalOf(() => defineEntity('Task', value as typeof schema)).code).toBe('bad_entity')
    },
  )

  test('a name has up to 64 characters', () => {
    expect([isEntityName(`T${'x'.repeat(63)}`), isEntityName(`T${'x'.repeat(64)}`)]).toEqual([true, false])
  })
})
