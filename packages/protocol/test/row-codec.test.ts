import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineEntity } from '../src/entity.ts'
import { createRowCodec } from '../src/row-codec.ts'

const Event = defineEntity(
  'Event',
  z.object({
    id: z.string(),
    at: z.date(),
    until: z.date().nullable(),
    amount: z.bigint(),
    note: z.string().optional(),
    tags: z.array(z.string()),
  }),
)
const Plain = defineEntity('Plain', z.object({ id: z.string(), tags: z.array(z.string()) }))

describe('createRowCodec', () => {
  test('dates become ISO text and bigints decimal text', () => {
    const row = { id: '1', version: 1, at: new Date(0), until: null, amount: 2n ** 70n, tags: ['a'] }
    expect(createRowCodec(Event).encode(row)).toEqual({
      id: '1',
      version: 1,
      at: '1970-01-01T00:00:00.000Z',
      until: null,
      amount: '1180591620717411303424',
      tags: ['a'],
    })
  })

  test('every row survives the wire', () => {
    const codec = createRowCodec(Event)
    const row = fc.record(
      {
        id: fc.string(),
        version: fc.integer({ min: 1 }),
        at: fc.date({ noInvalidDate: true }),
        until: fc.option(fc.date({ noInvalidDate: true })),
        amount: fc.bigInt(),
        note: fc.string(),
        tags: fc.array(fc.string()),
      },
      { requiredKeys: ['id', 'version', 'at', 'until', 'amount', 'tags'] },
    )
    fc.assert(
      fc.property(row, (value) => {
        const wire = JSON.parse(JSON.stringify(codec.encode(value))) as ReturnType<typeof codec.encode>
        expect(codec.decode(wire)).toEqual(value)
      }),
    )
  })

  test('does not touch the row it was given', () => {
    const row = Object.freeze({
      id: '1',
      version: 1,
      at: new Date(0),
      until: new Date(1),
      amount: 1n,
      tags: [],
    })
    createRowCodec(Event).encode(row)
    expect(row.at).toBeInstanceOf(Date)
  })

  test('a value that is no date or no bigint is handed through, in both directions', () => {
    const codec = createRowCodec(Event)
    const none = new Date(Number.NaN)
    const row = { id: '1', version: 1, at: none, until: 'soon', amount: 'many', tags: [] }
    expect(codec.encode(row as never)).toEqual(row)
    expect(codec.decode(row as never)).toEqual(row)
  })

  test('rows without dates and bigints are not copied', () => {
    const codec = createRowCodec(Plain)
    const row = { id: '1', version: 1, tags: [] }
    expect(codec.encode(row)).toBe(row)
    expect(codec.decode(row)).toBe(row)
  })
})
