import { expect, test } from 'vitest'
import { fingerprint } from '../../src/rows/fingerprint.ts'

const asked = (json: string) =>
  fingerprint({
    entity: 'Task',
    operation: 'update',
    id: 'a',
    fields: { data: JSON.parse(json) as unknown },
    ifVersion: undefined,
  })

test('the order of fields makes no difference, a field of the name __proto__ does', () => {
  expect(asked('{"a":1,"b":2}')).toBe(asked('{"b":2,"a":1}'))
  expect(asked('{"__proto__":{"a":1}}')).not.toBe(asked('{"__proto__":{"a":2}}'))
  expect(asked('{"__proto__":{"a":1}}')).not.toBe(asked('{}'))
})

test('a field of the name toJSON is one like any other', () => {
  expect(asked('{"toJSON":1,"a":{"c":1,"b":2}}')).toBe(asked('{"a":{"b":2,"c":1},"toJSON":1}'))
  expect(asked('{"toJSON":1}')).not.toBe(asked('{"toJSON":2}'))
})

test('answers are kept under it for a day, so that the same request has the same one after an upgrade', () => {
  const request = {
    entity: 'Task',
    operation: 'create',
    id: 'a',
    fields: { title: 'x', id: 'a', rank: 2, data: { b: [1n, null], a: new Date(0) } },
    ifVersion: undefined,
  }
  expect(fingerprint(request, ['data', 'rank', 'status', 'title'])).toBe('2Z-qR8t407dNsadWj-a6ui')
})
