import { createDeferred } from '@dnr/internal'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { User } from '../support/entities.ts'
import { createTestServer, typesOf } from '../support/test-server.ts'

const hostile: readonly (readonly [frame: string, code: string])[] = [
  ['{', 'bad_json'],
  ['', 'bad_json'],
  ['null', 'bad_message'],
  ['[]', 'bad_message'],
  ['"ping"', 'bad_message'],
  ['{}', 'bad_message'],
  ['{"type":7}', 'bad_message'],
  ['{"type":"nope"}', 'unknown_type'],
  ['{"type":"constructor"}', 'unknown_type'],
  ['{"type":"__proto__"}', 'unknown_type'],
  ['{"type":"entity:created","channel":"entity:Task","payload":{"id":"1"}}', 'unknown_type'],
  ['{"type":"presence:sync","channel":"presence:x"}', 'unknown_type'],
  ['{"type":"subscribe"}', 'bad_channel'],
  ['{"type":"subscribe","channel":7}', 'bad_channel'],
  ['{"type":"subscribe","channel":"entity:"}', 'bad_channel'],
  ['{"type":"subscribe","channel":"nope:x"}', 'bad_channel'],
  ['{"type":"subscribe","channel":"user:a\\u0000"}', 'bad_channel'],
  [`{"type":"subscribe","channel":"room:${'x'.repeat(5_000)}"}`, 'bad_channel'],
  ['{"type":"subscribe","channel":"entity:__proto__"}', 'bad_channel'],
  ['{"type":"subscribe","channel":"entity:constructor"}', 'forbidden'],
  ['{"type":"subscribe","channel":"entity:Nope"}', 'forbidden'],
  ['{"type":"subscribe","channel":"user:bob"}', 'forbidden'],
  ['{"type":"subscribe","channel":"user:ann "}', 'forbidden'],
  ['{"type":"subscribe","channel":"room:r"}', 'forbidden'],
  ['{"type":"subscribe","channel":"presence:x"}', 'forbidden'],
  [
    '{"type":"subscribe","channel":"entity:Task","payload":{"position":{"epoch":"e","offset":-1}}}',
    'bad_message',
  ],
  [
    '{"type":"subscribe","channel":"entity:Task","payload":{"position":{"epoch":"e","offset":1e308}}}',
    'bad_message',
  ],
  ['{"type":"subscribe","channel":"entity:Task","payload":{"query":{"where":{"nope":1}}}}', 'bad_query'],
  [
    '{"type":"subscribe","channel":"entity:Task","payload":{"query":{"where":{"title":{"$ne":1}}}}}',
    'bad_query',
  ],
  ['{"type":"subscribe","channel":"entity:Task","payload":{"query":{"where":{"title":1}}}}', 'bad_query'],
  ['{"type":"message","channel":"room:r","payload":1}', 'forbidden'],
  ['{"type":"message","channel":"entity:Task","payload":1}', 'forbidden'],
  ['{"type":"presence:join","channel":"presence:x"}', 'unknown_type'],
  [`{"type":"ping","x":${'['.repeat(5_000)}${']'.repeat(5_000)}}`, 'bad_message'],
  ['{"type":"ping","__proto__":{"x":1}}', 'bad_message'],
]

test.each(hostile.map(([frame, code]) => [frame.slice(0, 80), code, frame] as const))(
  '%s is answered with %s, and the connection stays',
  async (_, code, frame) => {
    const server = createTestServer()
    const client = await server.connect('ann@red')
    const answers = await client.ask(frame)
    expect(answers).toHaveLength(1)
    expect(answers[0]).toMatchObject({ type: 'error', payload: { code } })
    expect(typesOf(await client.ask({ type: 'ping' }))).toEqual(['pong'])
  },
)

test('a binary frame that comes before connected is answered after it, in its turn', async () => {
  const authenticated = createDeferred<User>()
  const server = createTestServer({ authenticate: () => authenticated.promise })
  const client = await server.connect()
  client.send({ type: 'ping' })
  client.socket.send(new Uint8Array(1))
  client.send({ type: 'ping' })
  expect(await client.take()).toEqual([])
  authenticated.resolve({ id: 'ann', team: 'red' })
  const answers = await client.take()
  expect(answers.map(({ type, payload }) => payload?.code ?? type)).toEqual([
    'connected',
    'pong',
    'binary_frame',
    'pong',
  ])
})

test('a binary frame is answered with binary_frame', async () => {
  const client = await createTestServer().connect()
  await client.take()
  client.socket.send(new Uint8Array([1, 2]))
  expect((await client.take())[0]?.payload.code).toBe('binary_frame')
  expect(client.closed).toBeNull()
})

test('a requestId that is no id is not echoed', async () => {
  const client = await createTestServer().connect()
  const [answer] = await client.ask({ type: 'ping', requestId: `x\r\n${'y'.repeat(200)}` })
  expect(answer).not.toHaveProperty('requestId')
})

test('what may not be heard is refused alike, whatever the reason', async () => {
  const server = createTestServer()
  const client = await server.connect('ann@red')
  const refusals = []
  for (const channel of ['entity:Nope', 'entity:Nope:1', 'user:bob', 'room:r', 'presence:x']) {
    const [{ channel: _, ...refusal } = { channel: '' }] = await client.ask({
      type: 'subscribe',
      channel,
      requestId: 'r',
    })
    refusals.push(JSON.stringify(refusal))
  }
  expect(new Set(refusals).size).toBe(1)
})

test('no text whatever does harm', async () => {
  const server = createTestServer({ limits: { maxMessagesPerSecond: null } })
  const client = await server.connect('ann@red')
  const messages = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json(),
    fc
      .record(
        {
          type: fc.constantFrom(
            'subscribe',
            'unsubscribe',
            'mutate',
            'auth',
            'message',
            'presence:join',
            'ping',
          ),
          channel: fc.anything(),
          payload: fc.anything(),
        },
        { requiredKeys: ['type'] },
      )
      .map((message) =>
        JSON.stringify(message, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
      ),
  )
  await fc.assert(
    fc.asyncProperty(messages, async (frame) => {
      const answers = await client.ask(frame)
      expect(answers.length).toBeGreaterThan(0)
      expect(client.closed).toBeNull()
    }),
    { numRuns: 300 },
  )
})
