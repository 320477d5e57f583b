import { expect, test } from 'vitest'
import { createRandomId } from '../../src/mutation/mutation-id.ts'

const random = (bytes: Uint8Array): unknown => crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>)

test('21 url-safe characters, different each time (A12)', () => {
  const ids = Array.from({ length: 2_000 }, () => createRandomId(random))
  for (const id of ids) expect(id).toMatch(/^[\w-]{21}$/)
  expect(new Set(ids).size).toBe(ids.length)
})

test('all 64 characters are used, each for one value of six bits', () => {
  const characters = Array.from(
    { length: 64 },
    (_, value) => createRandomId((bytes) => bytes.fill(value + 64))[0],
  )
  expect(new Set(characters).size).toBe(64)
})
