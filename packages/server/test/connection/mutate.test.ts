import { DnrError, VersionConflict } from '@dnr/protocol'
import { expect, test } from 'vitest'
import type { Writes } from '../../src/connection/message-router.ts'
import { createTestServer, type TestClient, typesOf } from '../support/test-server.ts'

type Asked = Parameters<Writes['write']>
type Answer = Awaited<ReturnType<Writes['write']>>

async function writing(
  write: (...asked: Asked) => Promise<Answer>,
): Promise<{ client: TestClient; asked: Asked[] }> {
  const asked: Asked[] = []
  const writes: Writes = {
    write: (...each) => {
      asked.push(each)
      return write(...each)
    },
  }
  const client = await createTestServer({ writes }).connect('ann@red')
  return { client, asked }
}

const position = { epoch: 'e1', offset: 7 }
const row = { id: 'a', version: 2, title: 'x' }
const update = {
  type: 'mutate',
  requestId: 'r',
  payload: {
    operation: 'update',
    entity: 'Task',
    mutationId: 'm1',
    id: 'a',
    fields: { title: 'x' },
    ifVersion: 1,
  },
}

test('a write is answered with the row and its position', async () => {
  const { client, asked } = await writing(async () => ({
    row,
    visible: true,
    version: 2,
    position,
    replayed: false,
  }))
  const [answer] = await client.ask(update)
  expect(answer).toMatchObject({
    type: 'mutated',
    requestId: 'r',
    position,
    payload: { mutationId: 'm1', row },
  })
  expect(asked).toEqual([
    [
      'Task',
      { operation: 'update', id: 'a', fields: { title: 'x' }, ifVersion: 1 },
      {
        principal: { id: 'ann', team: 'red' },
        principalNow: expect.any(Function),
        arrival: expect.any(Number),
        mutationId: 'm1',
      },
    ],
  ])
})

test.each([
  ['a row that its author may not see', { row, visible: false }],
  ['a deleted row', { row: null, visible: true }],
])('%s is not in the answer', async (_, result) => {
  const { client } = await writing(async () => ({ ...result, version: 2, position, replayed: false }))
  const [answer] = await client.ask(update)
  expect(answer).toMatchObject({ type: 'mutated', payload: { mutationId: 'm1' }, position })
  expect(answer?.payload).not.toHaveProperty('row')
})

test('two connections that ask under one request id get each their own answer', async () => {
  const answers: (() => void)[] = []
  const writes: Writes = {
    write: async (_entity, _mutation, { principal }) => {
      await new Promise<void>((resolve) => void answers.push(resolve))
      const own = { id: 'a', version: 2, title: `of ${principal?.id}` }
      return { row: own, visible: true, version: 2, position, replayed: false }
    },
  }
  const server = createTestServer({ writes })
  const [ann, bob] = [await server.connect('ann@red'), await server.connect('bob@red')]
  for (const client of [ann, bob]) await client.ask(update)
  for (const answer of answers.reverse()) answer()
  for (const [client, title] of [
    [ann, 'of ann'],
    [bob, 'of bob'],
  ] as const) {
    const received = await client.take()
    expect(received.map(({ requestId, payload }) => [requestId, payload.row.title])).toEqual([['r', title]])
  }
})

test('a conflict brings the current row along', async () => {
  const { client } = await writing(() => Promise.reject(new VersionConflict(row, 1, 2)))
  const [answer] = await client.ask(update)
  expect(answer).toMatchObject({
    type: 'error',
    requestId: 'r',
    payload: { code: 'version_conflict', details: { expectedVersion: 1, currentVersion: 2, current: row } },
  })
})

test('refusals keep code, sentence and details; faults of the server say nothing of themselves', async () => {
  const refused = await writing(() =>
    Promise.reject(new DnrError('bad_field', 'No.', { details: { field: 'title' } })),
  )
  expect((await refused.client.ask(update))[0]?.payload).toEqual({
    code: 'bad_field',
    message: 'No.',
    details: { field: 'title' },
  })
  const broken = await writing(() => Promise.reject(new Error('SQLITE_CORRUPT at /var/db')))
  const [answer] = await broken.client.ask(update)
  expect(answer?.payload.code).toBe('internal')
  expect(answer?.payload).not.toHaveProperty('retryAfterMs')
  expect(JSON.stringify(answer)).not.toContain('SQLITE')
})

test('a disk that may come back is worth another try, of which its error says when', async () => {
  const options = { retryable: true, retryAfterMs: 5_000 }
  const { client } = await writing(() =>
    Promise.reject(new DnrError('storage_failed', 'SQLITE_IOERR', options)),
  )
  const [answer] = await client.ask(update)
  expect(answer?.payload).toMatchObject({ code: 'storage_failed', retryAfterMs: 5_000 })
  expect(JSON.stringify(answer)).not.toContain('SQLITE')
})

test('details that are no JSON do not keep the answer back', async () => {
  const { client } = await writing(() =>
    Promise.reject(new DnrError('bad_field', 'No.', { details: { big: 1n } })),
  )
  expect((await client.ask(update))[0]?.payload).toEqual({ code: 'bad_field', message: 'No.' })
})

test('a write that takes long keeps nobody waiting, not even its own connection', async () => {
  const { client } = await writing(() => new Promise(() => {}))
  client.send(update)
  expect(typesOf(await client.ask({ type: 'ping' }))).toEqual(['pong'])
})

test.each([
  { operation: 'create', entity: 'Task', fields: {} },
  { operation: 'update', entity: 'Task', mutationId: 'm', fields: {} },
  { operation: 'drop', entity: 'Task', mutationId: 'm' },
  { operation: 'create', entity: 'Task', mutationId: 'ümlaut', fields: {} },
  { operation: 'delete', entity: 'Task', mutationId: 'm', id: 'a', ifVersion: -1 },
])('a write that is not well-formed is bad_message: %#', async (payload) => {
  const { client, asked } = await writing(() => Promise.reject(new Error('not asked')))
  expect((await client.ask({ type: 'mutate', payload }))[0]?.payload.code).toBe('bad_message')
  expect(asked).toEqual([])
})
