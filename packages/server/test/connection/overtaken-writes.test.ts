// The first request of a write, still under way on a connection that its author has given up, after the repetition was refused.
import { DnrError } from '@dnr/protocol'
import { expect, test } from 'vitest'
import type { Writes } from '../../src/connection/message-router.ts'
import { createTestServer, type TestServer } from '../support/test-server.ts'

const update = {
  type: 'mutate',
  payload: { operation: 'update', entity: 'Task', mutationId: 'm1', id: 'a', fields: { title: 'x' } },
}

function refusing(): { server: TestServer; asked: (string | undefined)[] } {
  const asked: (string | undefined)[] = []
  const writes: Writes = {
    write(_entity, _mutation, { mutationId }) {
      asked.push(mutationId)
      return Promise.reject(new DnrError('not_found', 'not yet'))
    },
  }
  return { server: createTestServer({ writes }), asked }
}

test('a write that was asked for again over a later connection no longer takes effect over the earlier one', async () => {
  const { server, asked } = refusing()
  const earlier = await server.connect('ann@red')
  const later = await server.connect('ann@red')
  expect(await later.ask(update)).toMatchObject([{ type: 'error', payload: { code: 'not_found' } }])
  expect(await earlier.ask(update)).toMatchObject([{ type: 'error', payload: { code: 'cancelled' } }])
  expect(asked).toEqual(['m1'])
})

test('over the same connection, over a later one and by another user it is asked for as often as they like', async () => {
  const { server, asked } = refusing()
  const other = await server.connect('bob@red')
  const earlier = await server.connect('ann@red')
  const later = await server.connect('ann@red')
  for (const client of [earlier, earlier, later, later, other]) await client.ask(update)
  expect(asked).toHaveLength(5)
})
