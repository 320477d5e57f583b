import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { describeError } from '../src/describe-error.ts'

const SECRET = 's3cret'

test('says kind, code and place of an error and of its causes', () => {
  const cause = Object.assign(new RangeError('x'), { code: 'SQLITE_BUSY' })
  const described = describeError(new TypeError('y', { cause }))
  expect(described).toMatchObject({ name: 'TypeError', cause: { name: 'RangeError', code: 'SQLITE_BUSY' } })
  expect(described.at[0]).toContain('describe-error.test.ts')
  expect(described.at.length).toBeLessThanOrEqual(8)
})

const thrower = {
  get name(): string {
    throw new Error(SECRET)
  },
}

test.each<[what: string, error: unknown]>([
  ['its message', new Error(SECRET)],
  ['a message that looks like a stack', new Error(`x\n    at ${SECRET} (file.ts:1:1)`)],
  ['a message that was changed later', Object.assign(new Error('first'), { message: `\n    at ${SECRET}` })],
  ['a stack that was made up', Object.assign(new Error('x'), { stack: `Error: ${SECRET}` })],
  ['its name', Object.assign(new Error('x'), { name: `Error of ${SECRET}` })],
  ['its code', Object.assign(new Error('x'), { code: `code ${SECRET}` })],
  ['its fields', Object.assign(new Error('x'), { input: SECRET, [SECRET]: 1 })],
  ['its cause', new Error('x', { cause: SECRET })],
  ['what was thrown instead of an error', SECRET],
  ['an object that was thrown', { message: SECRET }],
  ['a getter', Object.assign(Object.create(Error.prototype) as Error, {}, Object.create(thrower))],
  [
    'an error that throws when it is read',
    Object.create(Error.prototype, Object.getOwnPropertyDescriptors(thrower)),
  ],
])('quotes nothing: %s', (_, error) => {
  expect(inspect(describeError(error), { depth: 10 })).not.toContain(SECRET)
})

test('a chain of causes that bites its tail comes to an end', () => {
  const error = new Error('x')
  error.cause = error
  expect(inspect(describeError(error), { depth: 20 }).match(/name/g)).toHaveLength(4)
})
