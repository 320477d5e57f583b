import { compareRows, matchesWhere } from '@dnr/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { settle, setUp } from '../setup.ts'

// Whatever happens in whatever order: when it is quiet again, every view is its query on the server's rows.

const id = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f')
const write = fc.record({
  id,
  fields: fc.option(
    fc.record({ team: fc.constantFrom('red', 'blue'), rank: fc.integer({ min: 0, max: 4 }) }),
    { nil: null, freq: 4 },
  ),
})
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .array(write, { minLength: 1, maxLength: 3 })
      .map((writes) => ({ type: 'commit' as const, writes })),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom('cut', 'stall', 'resume', 'duplicate', 'ping', 'settle', 'reconnect')
      .map((type) => ({ type })),
  },
  { weight: 1, arbitrary: fc.constantFrom('trim', 'restore', 'another user').map((type) => ({ type })) },
  { weight: 1, arbitrary: id.map((absorbed) => ({ type: 'answer' as const, absorbed })) },
)

test('random interleavings of snapshots, events, duplicates, answers, cuts, users and lost logs converge to the server’s rows', async () => {
  const queries = [
    { where: { team: 'red' }, orderBy: [['rank', 'desc']] },
    {
      orderBy: [
        ['rank', 'asc'],
        ['team', 'desc'],
      ],
    },
    { where: { rank: { gte: 2 } }, orderBy: [['team', 'asc']], limit: 2 },
  ] as const
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 30 }),
      fc.integer({ min: 1, max: 3 }),
      async (steps, chunkRows) => {
        await using t = await setUp({ chunkRows })
        const views = queries.map((query) => ({ query, collection: t.client.collection('Task', query) }))
        let epochs = 0
        let users = 0
        for (const each of steps) {
          const { peer } = t.server
          switch (each.type) {
            case 'commit':
              if ('writes' in each) {
                const exist = new Set(t.server.rows.keys())
                const writes = each.writes.filter(
                  ({ id: row, fields }) => fields !== null || exist.delete(row),
                )
                if (writes.length > 0) t.server.commit(writes)
              }
              break
            case 'cut':
              peer.pair.cut()
              break
            case 'stall':
              peer.pair.stall('to-client')
              break
            case 'resume':
              peer.pair.resume('to-client')
              break
            case 'duplicate':
              t.server.repeat(3)
              break
            case 'answer': {
              const row = t.server.rows.get('absorbed' in each ? each.absorbed : '')
              if (row)
                views.forEach(({ collection }) =>
                  collection.absorb({ id: row.id, row, version: row.version, position: t.server.position() }),
                )
              break
            }
            case 'another user':
              t.server.nextUser(`user${++users}`)
              peer.pair.resume()
              peer.pair.cut()
              await t.clock.advance(3_000)
              break
            case 'ping':
              t.client.retryNow()
              break
            case 'trim':
              t.server.trim()
              break
            case 'restore':
              // A backup: other rows under lower versions. Whoever is connected loses the connection with it.
              peer.pair.cut()
              t.server.restore(`x${++epochs}`, 3)
              for (const row of t.server.rows.values()) t.server.put({ ...row, rank: 1, version: 1 })
              break
            case 'settle':
              await settle()
              break
            case 'reconnect':
              peer.pair.resume()
              peer.pair.cut()
              await t.clock.advance(3_000)
              break
          }
        }
        t.server.peer.pair.resume()
        await t.clock.advance(120_000)
        for (const { query, collection } of views) {
          const where = 'where' in query ? query.where : {}
          const expected = [...t.server.rows.values()]
            .filter((row) => matchesWhere(row, where))
            .sort(compareRows(query.orderBy))
          expect(collection.status.value).toBe('live')
          expect(collection.allRows.value).toEqual(expected)
          expect(collection.rows.value).toEqual('limit' in query ? expected.slice(0, query.limit) : expected)
        }
        expect(t.errors).toEqual([])
      },
    ),
    {
      numRuns: 200,
      examples: [
        [
          // The answer's position is that of its transaction, beyond the event of its row.
          [
            { type: 'settle' },
            {
              type: 'commit',
              writes: [
                { id: 'a', fields: { team: 'red', rank: 0 } },
                { id: 'f', fields: { team: 'blue', rank: 0 } },
              ],
            },
            { type: 'answer', absorbed: 'a' },
            { type: 'commit', writes: [{ id: 'e', fields: { team: 'red', rank: 0 } }] },
          ],
          1,
        ],
      ],
    },
  )
}, 60_000)
