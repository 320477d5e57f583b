import { expect, test } from 'vitest'
import {
  countRecordDeliveries,
  recordOfChange,
  RECORDS,
  RECORDS_PER_CLIENT,
  recordsOf,
} from '../../src/fan-out/record-spread.ts'

const recordsByClient = Array.from({ length: 1_000 }, (_, client) => recordsOf(client))

test('each client has ten different records, and each record two clients', () => {
  const listeners = new Map<string, number>()
  for (const records of recordsByClient) {
    expect(new Set(records).size).toBe(RECORDS_PER_CLIENT)
    for (const record of records) listeners.set(record, (listeners.get(record) ?? 0) + 1)
  }
  expect(listeners.size).toBe(RECORDS)
  expect(new Set(listeners.values())).toEqual(new Set([2]))
})

test('changes in a row are of different records', () => {
  const changed = Array.from({ length: RECORDS }, (_, n) => recordOfChange(4_321 + n))
  expect(new Set(changed).size).toBe(RECORDS)
})

// What one tick sends to one client is one write where it is gathered: a spread that is not even would decide the result.
test('what a tick changes falls on as many clients as chance would have it', () => {
  for (let made = 0; made < 20 * 512; made += 512) {
    const changed = new Set(Array.from({ length: 512 }, (_, index) => recordOfChange(made + 1 + index)))
    const reached = recordsByClient.filter((records) => records.some((record) => changed.has(record)))
    // 1,000 × (1 − (1 − 512 / 5,000)^10) = 660
    expect(reached.length).toBeGreaterThan(610)
    expect(reached.length).toBeLessThan(710)
  }
})

test.each([50, 777, 1_000])('the messages of %i clients are counted as they come', (count) => {
  const deliveries = countRecordDeliveries(count)
  let expected = 0
  for (let n = 9_001; n <= 9_512; n++)
    expected += recordsByClient
      .slice(0, count)
      .filter((records) => records.includes(recordOfChange(n))).length
  expect(deliveries(9_000, 512)).toBe(expected)
})
