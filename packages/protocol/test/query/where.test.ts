import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type AnyOrderBy,
  type AnyWhere,
  checkWhere,
  compareRows,
  compareScalars,
  matchesWhere,
  type Scalar,
} from '../../src/query/where.ts'

const wellFormed = fc.string({ unit: 'binary', maxLength: 6 }).filter((text) => text.isWellFormed())
const scalar: fc.Arbitrary<Scalar> = fc.oneof(
  wellFormed,
  fc.double({ noNaN: true }),
  fc.integer({ min: -2, max: 2 }),
  fc.boolean(),
  fc.constant(null),
)

describe('matchesWhere', () => {
  const row = { id: '1', title: 'b', rank: 2, done: false, assignee: null }

  test.each<[AnyWhere, boolean]>([
    [{}, true],
    [{ title: 'b' }, true],
    [{ title: 'a' }, false],
    [{ title: 'b', rank: 3 }, false],
    [{ title: { eq: 'b' }, rank: { eq: 2 } }, true],
    [{ title: { ne: 'b' } }, false],
    [{ rank: { gt: 1, lt: 3 } }, true],
    [{ rank: { gt: 2 } }, false],
    [{ rank: { gte: 2, lte: 2 } }, true],
    [{ rank: { lt: 2 } }, false],
    [{ rank: '2' }, false],
    [{ rank: { gt: '1' } }, false],
    [{ done: false }, true],
    [{ done: 0 }, false],
    [{ title: { in: ['a', 'b'] } }, true],
    [{ title: { in: [] } }, false],
    [{ assignee: null }, true],
    [{ assignee: { eq: null } }, true],
    [{ assignee: { ne: 'alice' } }, true],
    [{ assignee: { ne: null } }, false],
    [{ title: { ne: null } }, true],
    [{ assignee: { in: [null, 'alice'] } }, true],
    [{ assignee: { lt: 'z' } }, false],
    [{ assignee: { gte: null } }, false],
    [{ title: { gte: null } }, false],
    [{ absent: null }, true],
    [{ absent: 'x' }, false],
  ])('%j is %s', (where, matches) => {
    expect(matchesWhere(row, where)).toBe(matches)
  })

  test('a bare value means eq, ne is its opposite, and in is any of them', () => {
    fc.assert(
      fc.property(scalar, scalar, fc.array(scalar, { maxLength: 4 }), (value, other, list) => {
        const holds = (condition: AnyWhere[string]) => matchesWhere({ field: value }, { field: condition })
        expect(holds(other)).toBe(holds({ eq: other }))
        expect(holds({ ne: other })).toBe(!holds({ eq: other }))
        expect(holds({ in: list })).toBe(list.some((each) => holds(each)))
      }),
    )
  })

  test('of two values of one type exactly one of lt, eq and gt holds', () => {
    const pair = fc.oneof(
      fc.tuple(wellFormed, wellFormed),
      fc.tuple(fc.double({ noNaN: true }), fc.integer()),
      fc.tuple(fc.boolean(), fc.boolean()),
    )
    fc.assert(
      fc.property(pair, ([value, bound]) => {
        const holds = (condition: AnyWhere[string]) => matchesWhere({ field: value }, { field: condition })
        const [lt, eq, gt] = [holds({ lt: bound }), holds({ eq: bound }), holds({ gt: bound })]
        expect([lt, eq, gt].filter(Boolean)).toHaveLength(1)
        expect(holds({ lte: bound })).toBe(lt || eq)
        expect(holds({ gte: bound })).toBe(gt || eq)
      }),
    )
  })
})

describe('compareScalars', () => {
  test('is a total order: antisymmetric and transitive over all types', () => {
    fc.assert(
      fc.property(scalar, scalar, scalar, (a, b, c) => {
        expect(Math.sign(compareScalars(a, b))).toBe(-Math.sign(compareScalars(b, a)) + 0)
        if (compareScalars(a, b) <= 0 && compareScalars(b, c) <= 0)
          expect(compareScalars(a, c)).toBeLessThanOrEqual(0)
        if (compareScalars(a, b) === 0) expect(a === b).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })

  test('puts null first', () => {
    expect([0, 'a', null, false, -1].sort(compareScalars)[0]).toBe(null)
  })

  test('orders text by code point, as SQLite does', () => {
    fc.assert(
      fc.property(wellFormed, wellFormed, (a, b) => {
        expect(Math.sign(compareScalars(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)))
      }),
    )
    // By UTF-16 units, as `<` compares, it would be the other way round.
    expect(['🙂', '\uffff'].sort()[0]).toBe('🙂')
    expect(['🙂', '\uffff'].sort(compareScalars)[0]).toBe('\uffff')
  })
})

describe('compareRows', () => {
  const row = fc.record({ id: fc.constantFrom('1', '2', '3', '4'), a: scalar, b: scalar })
  const order: fc.Arbitrary<AnyOrderBy> = fc.array(
    fc.tuple(fc.constantFrom('a', 'b', 'absent'), fc.constantFrom('asc', 'desc')),
    { maxLength: 3 },
  )

  test('is a total order whatever it sorts by; only a row of the same id is equal', () => {
    fc.assert(
      fc.property(order, row, row, row, (orderBy, x, y, z) => {
        const compare = compareRows(orderBy)
        expect(Math.sign(compare(x, y))).toBe(-Math.sign(compare(y, x)) + 0)
        if (compare(x, y) <= 0 && compare(y, z) <= 0) expect(compare(x, z)).toBeLessThanOrEqual(0)
        if (compare(x, y) === 0) expect(x.id).toBe(y.id)
        expect(compare(x, x)).toBe(0)
      }),
      { numRuns: 1_000 },
    )
  })

  test('sorts by the first field, then the second, then the id', () => {
    const rows = [
      { id: '2', rank: 1, title: 'b' },
      { id: '1', rank: 1, title: 'b' },
      { id: '3', rank: 1, title: 'c' },
      { id: '4', rank: 0, title: 'a' },
    ]
    expect(
      rows
        .toSorted(
          compareRows([
            ['rank', 'asc'],
            ['title', 'desc'],
          ]),
        )
        .map(({ id }) => id),
    ).toEqual(['4', '3', '1', '2'])
    expect(rows.toSorted(compareRows([])).map(({ id }) => id)).toEqual(['1', '2', '3', '4'])
  })

  test('a missing field counts as null', () => {
    expect(compareRows([['rank', 'asc']])({ id: '2' }, { id: '1', rank: 0 } as { id: string })).toBeLessThan(
      0,
    )
  })
})

describe('checkWhere', () => {
  const fields = new Set(['id', 'title'])
  test('takes known fields', () => expect(checkWhere({ title: 'x' }, fields).ok).toBe(true))
  test.each(['nope', 'constructor', '__proto__', 'title"; DROP TABLE Task; --'])(
    'names the unknown field %s',
    (field) => {
      const where = JSON.parse(`{${JSON.stringify(field)}:1}`) as AnyWhere
      const checked = checkWhere(where, fields)
      expect(checked).toMatchObject({ ok: false, code: 'bad_query' })
      expect(checked.ok || checked.message).toContain(field.slice(0, 64))
    },
  )
})

test.each<[AnyWhere, string | null]>([
  [{ rank: 1, title: 'x', done: true, due: '2026-01-01', views: '12' }, null],
  [{ rank: null, tags: 'whatever', version: 2 }, null],
  [{ rank: 'x' }, 'where.rank: expected a number, not text.'],
  [{ title: { in: ['a', 1] } }, 'where.title: expected text, not a number.'],
  [{ done: { ne: 'true' } }, 'where.done: expected true or false, not text.'],
  [{ due: 5 }, 'where.due: expected a date as text, not a number.'],
  [{ views: 5 }, 'where.views: expected a whole number as text, not a number.'],
  [{ version: 'x' }, 'where.version: expected a number, not text.'],
])('a value has to be of the kind of its field: %j', (where, message) => {
  const kinds = new Map(
    Object.entries({
      rank: 'number',
      title: 'string',
      done: 'boolean',
      due: 'date',
      views: 'bigint',
      tags: 'json',
      version: 'number',
    } as const),
  )
  const checked = checkWhere(where, new Set(kinds.keys()), kinds)
  expect(checked.ok ? null : [checked.code, checked.message]).toEqual(
    message === null ? null : ['bad_query', message],
  )
})
