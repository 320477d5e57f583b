import fc from 'fast-check'
import { expect, test } from 'vitest'
import { task, type TaskRow } from '../writes/fixtures.ts'
import { type Answer, setting } from './setting.ts'

const query = (parameters: Record<string, unknown>): string =>
  `/api/Task?${new URLSearchParams(Object.entries(parameters).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)])).toString()}`

const ids = ({ body }: Answer): string[] => body.rows.map((row: { id: string }) => row.id)

test('lists what may be seen, in order, with the position before the reading', async () => {
  const { ask } = setting([
    task('b', { rank: 1 }),
    task('a', { rank: 2 }),
    task('x', { team: 'blue' }),
    task('c', { rank: 1 }),
  ])
  const answer = await ask(query({ orderBy: [['rank', 'asc']] }))
  expect(answer.status).toBe(200)
  expect(ids(answer)).toEqual(['b', 'c', 'a'])
  expect(answer.body.position).toEqual({ epoch: 'e1', offset: 0 })
  expect(answer.body).not.toHaveProperty('next')
})

test('filters by conditions and bare values', async () => {
  const { ask } = setting([task('a', { rank: 1 }), task('b', { rank: 2 }), task('c', { rank: 3 })])
  expect(ids(await ask(query({ where: { rank: { gte: 2 } } })))).toEqual(['b', 'c'])
  expect(ids(await ask(query({ where: { rank: 2 } })))).toEqual(['b'])
  expect(ids(await ask(query({ where: { rank: { in: [1, 3] } }, orderBy: [['rank', 'desc']] })))).toEqual([
    'c',
    'a',
  ])
})

test.each<[string, string]>([
  ['an unknown parameter', '/api/Task?page=2'],
  ['a parameter twice', '/api/Task?limit=1&limit=2'],
  ['a where that is no JSON', '/api/Task?where=status'],
  ['a where that is no object', '/api/Task?where=[]'],
  ['an unknown operator', query({ where: { rank: { $ne: 1 } } })],
  ['text for a number', query({ where: { rank: 'x' } })],
  ['text for the version', query({ where: { version: 'x' } })],
  ['a number for text, in a list', query({ where: { title: { in: ['a', 1] } } })],
  ['an object as value', query({ where: { rank: { eq: { a: 1 } } } })],
  ['an unknown field', query({ where: { nope: 1 } })],
  ['__proto__ in where', '/api/Task?where={"__proto__":1}'],
  ['an inherited name as field', query({ where: { constructor: 'x' } })],
  ['a long list', query({ where: { rank: { in: Array.from({ length: 101 }, (_, index) => index) } } })],
  ['an unknown sort key', query({ orderBy: [['nope', 'asc']] })],
  ['an unknown direction', query({ orderBy: [['rank', 'asc; DROP TABLE Task']] })],
  ['an order that is no list', query({ orderBy: { rank: 'asc' } })],
  ['limit 0', '/api/Task?limit=0'],
  ['limit 501', '/api/Task?limit=501'],
  ['a limit in letters', '/api/Task?limit=ten'],
  ['an empty cursor', '/api/Task?after='],
])('%s is 400', async (_name, path) => {
  const { status, body } = await setting([task('a')]).ask(path)
  expect([status, body.code]).toEqual([400, 'bad_query'])
})

test('an unknown operator is named', async () => {
  const { body } = await setting([task('a')]).ask(query({ where: { rank: { like: 1 } } }))
  expect(body.detail).toBe(
    'where.rank: there is no operator "like". Operators: eq, ne, lt, lte, gt, gte, in.',
  )
})

test('a field that may not be read can be neither filtered nor sorted by, and is not named', async () => {
  const { ask } = setting(
    [task('a', { salary: 1 })],
    (user) => user && { sees: () => true, fields: ['title', 'rank'] },
  )
  const hidden = await ask(query({ where: { salary: { gt: 0 } } }))
  expect([hidden.status, hidden.body.detail]).toEqual([
    400,
    'where: there is no field "salary". Fields: id, version, title, rank.',
  ])
  expect((await ask(query({ orderBy: [['salary', 'asc']] }))).status).toBe(400)
  expect((await ask(query({ orderBy: [['rank', 'asc']] }))).body.rows).toEqual([
    { id: 'a', version: 1, title: 'Task a', rank: 0 },
  ])
})

test('a policy without predicates costs one read a page', async () => {
  const { ask, store } = setting([task('a'), task('b'), task('c')], () => true)
  const first = await ask('/api/Task?limit=2')
  expect(store.finds).toEqual([2])
  const second = await ask(query({ limit: '2', after: first.body.next as string }))
  expect([...ids(first), ...ids(second)]).toEqual(['a', 'b', 'c'])
  expect(second.body).not.toHaveProperty('next')
})

test('pages are full, end with the last visible row, and no cursor tells of a hidden one', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ rank: fc.integer({ min: 0, max: 5 }), mine: fc.boolean() }), { maxLength: 60 }),
      fc.integer({ min: 1, max: 9 }),
      async (shapes, limit) => {
        const rows = shapes.map(({ rank, mine }, index) =>
          task(`r${index}`, { rank, team: mine ? 'red' : 'blue' }),
        )
        const { ask } = setting(rows)
        const expected = rows
          .filter((row) => row['team'] === 'red')
          .sort(
            (a, b) => Number(a['rank']) - Number(b['rank']) || (String(a['id']) < String(b['id']) ? -1 : 1),
          )
          .map((row) => row['id'])
        const seen: string[] = []
        let after: string | undefined
        do {
          const answer = await ask(
            query({
              orderBy: [['rank', 'asc']],
              limit: String(limit),
              ...(after === undefined ? {} : { after }),
            }),
          )
          seen.push(...ids(answer))
          after = answer.body.next as string | undefined
          if (after === undefined) continue
          expect(ids(answer)).toHaveLength(limit)
          expect((JSON.parse(after) as TaskRow).id).toBe(ids(answer).at(-1))
        } while (after !== undefined)
        expect(seen).toEqual(expected)
      },
    ),
    { numRuns: 60 },
  )
})

test('a page whose end moves while it is read is read again', async () => {
  const { ask, store } = setting([task('a', { team: 'blue' }), task('b'), task('c'), task('d')])
  let reads = 0
  store.beforeFind = () => {
    // The first two reads fill the page, the third looks for its end: there a row has come between.
    if (++reads === 3) store.rows.set('bb', { ...task('bb'), version: 1 } as never)
  }
  const answer = await ask('/api/Task?limit=2')
  expect(ids(answer)).toEqual(['b', 'bb'])
  expect((JSON.parse(answer.body.next as string) as TaskRow).id).toBe('bb')
})

test('a list that never holds still is 503', async () => {
  const { ask, store } = setting([task('a', { team: 'blue' }), task('b'), task('c'), task('d')])
  let reads = 0
  store.beforeFind = () => {
    const id = `b${String(999 - ++reads)}`
    store.rows.set(id, { ...task(id), version: 1 } as never)
  }
  expect(await ask('/api/Task?limit=2')).toMatchObject({ status: 503, body: { code: 'busy' } })
})

test('a request that was given up stops reading', async () => {
  const { handler, store } = setting(
    Array.from({ length: 3_000 }, (_, index) => task(`r${index}`, { team: 'blue' })),
  )
  const abort = new AbortController()
  store.beforeFind = () => abort.abort()
  const request = new Request('http://localhost/api/Task', {
    headers: { authorization: 'Bearer ann' },
    signal: abort.signal,
  })
  await handler(request)
  expect(store.finds).toHaveLength(1)
})

test('a list that would have to read too much is refused, with what to do', async () => {
  const { ask, store } = setting()
  const hidden = Array.from({ length: 500 }, (_, index) => ({
    ...task(`r${index}`, { team: 'blue' }),
    version: 1,
  }))
  store.find = async ({ limit = 100 } = {}) => {
    store.finds.push(limit)
    return { rows: hidden.slice(0, limit) as never, next: 'more', position: { epoch: 'e1', offset: 0 } }
  }
  const answer = await ask('/api/Task')
  expect(answer).toMatchObject({ status: 400, body: { code: 'bad_query' } })
  expect(answer.body.detail).toContain('narrow')
  expect(store.finds.length).toBeLessThan(210)
})
