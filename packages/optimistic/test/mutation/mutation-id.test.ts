import { expect, test } from 'vitest'
import { createRandomId, pooled } from '../../src/mutation/mutation-id.ts'

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

test('a pool hands out every byte once, in order, and is filled again when it is empty', () => {
  let next = 0
  let fills = 0
  const take = pooled((bytes) => {
    fills++
    bytes.forEach((_, index) => (bytes[index] = next++))
  })
  const taken = Array.from({ length: 130 }, () => {
    const bytes = new Uint8Array(21)
    take(bytes)
    return [...bytes]
  }).flat()
  expect(taken).toEqual(taken.map((_, index) => index % 256))
  expect(fills).toBe(3)
})
