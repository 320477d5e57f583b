// Reads over HTTP while rights change: what is answered is what the rights of today show, whenever in the reading that was.
import { silentLogger } from '@dnr/protocol'
import { createManualClock } from '@dnr/testing'
import { expect, test } from 'vitest'
import { createAuthenticator } from '../../src/connection/authenticate.ts'
import { createHttpHandler } from '../../src/http/http-handler.ts'
import { createWriteService } from '../../src/writes/write-service.ts'
import { ann, evaluator, Task, task } from '../writes/fixtures.ts'
import { createMemoryStore, type MemoryStore } from '../writes/memory-store.ts'

type Moment = 'asked' | 'read'

/** Ann is moved to the blue team when the rule is asked for the first time, or when the store has read for the first time. */
function movedWhen(moment: Moment, moves = 1) {
  let team = 'red'
  let left = moves
  const policies = evaluator(async () => {
    const own = team
    if (moment === 'asked') move()
    return { sees: (row) => row.team === own }
  })
  const move = (): void => {
    if (left-- <= 0) return
    team = 'blue'
    policies.outdate()
  }
  const memory = createMemoryStore(Task, [task('r'), task('b', { team: 'blue' })])
  const afterwards = async <Value>(value: Promise<Value>): Promise<Value> => {
    const read = await value
    if (moment === 'read') move()
    return read
  }
  const store: MemoryStore = {
    ...memory,
    get: (id) => afterwards(memory.get(id)),
    find: (query) => afterwards(memory.find(query)),
  }
  const handler = createHttpHandler({
    stores: [store],
    policies,
    writes: createWriteService({ stores: [store], policies }),
    authenticator: createAuthenticator({
      authenticate: () => ann,
      clock: createManualClock(),
      logger: silentLogger,
    }),
  })
  return (path: string): Promise<Response> =>
    handler(new Request(`http://localhost${path}`, { headers: { authorization: 'Bearer ann' } }))
}

test.each(['asked', 'read'] as const)(
  'rights that change when it is %s: the rows of today',
  async (moment) => {
    const list = await movedWhen(moment)('/Task')
    expect(await list.json()).toMatchObject({ rows: [{ id: 'b' }] })
    expect((await movedWhen(moment)('/Task/r')).status).toBe(404)
    expect(await (await movedWhen(moment)('/Task/b')).json()).toMatchObject({ id: 'b' })
  },
)

test('rights that always change are told of, and no row', async () => {
  const answer = await movedWhen('read', Number.POSITIVE_INFINITY)('/Task')
  expect(answer.status).toBe(503)
  expect(await answer.json()).toMatchObject({ code: 'busy' })
})
