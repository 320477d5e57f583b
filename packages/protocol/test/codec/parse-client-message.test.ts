import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseClientMessage } from '../../src/codec/parse-client-message.ts'
import { ERROR_CODES } from '../../src/error-code.ts'

const parse = (message: unknown) => parseClientMessage(JSON.stringify(message))
const refusalOf = (message: unknown) => {
  const parsed = parse(message)
  return parsed.ok ? null : parsed
}
const codeOf = (message: unknown) => refusalOf(message)?.code

const mutation = { operation: 'update', entity: 'Task', mutationId: 'm1', id: '1', fields: {} }

describe('parseClientMessage', () => {
  test.each([
    { type: 'subscribe', channel: 'entity:Task', requestId: 'req_123', timestamp: 1701234567890 },
    {
      type: 'subscribe',
      channel: 'entity:Task',
      payload: {
        position: { epoch: 'e', offset: 0 },
        snapshot: true,
        query: { where: { done: false } },
        subscription: 'a',
      },
    },
    {
      type: 'subscribe',
      channel: 'entity:Task',
      payload: { query: { where: { rank: { gte: 1, lt: 2 }, status: { in: ['todo', null] } } } },
    },
    { type: 'unsubscribe', channel: 'entity:Task' },
    { type: 'presence:join', channel: 'presence:workspace/tasks', payload: { metadata: { cursor: [1, 2] } } },
    { type: 'presence:update', channel: 'presence:a', payload: { metadata: {} } },
    { type: 'presence:heartbeat', channel: 'presence:a', payload: { state: 'idle' } },
    { type: 'presence:heartbeat', channel: 'presence:a' },
    { type: 'presence:leave', channel: 'presence:a' },
    { type: 'ping' },
    { type: 'auth', payload: { token: 't' } },
    { type: 'mutate', payload: mutation },
    {
      type: 'mutate',
      payload: { operation: 'create', entity: 'Task', mutationId: 'm2', fields: { title: 'x' } },
    },
    {
      type: 'mutate',
      payload: { operation: 'delete', entity: 'Task', mutationId: 'm3', id: '1', ifVersion: 2 },
    },
    {
      type: 'mutate',
      payload: { operation: 'delete', entity: 'Task', mutationId: 'm4', id: '1', ifVersion: 0 },
    },
    { type: 'message', channel: 'room:lobby', payload: ['anything'] },
  ])('takes $type', (message) => {
    expect(parse(message)).toEqual({ ok: true, value: message })
  })

  test.each(['', '{', 'ping', '{"type":"ping"}x'])('%j is bad_json', (frame) => {
    expect(parseClientMessage(frame)).toMatchObject({ ok: false, code: 'bad_json' })
  })

  test.each([
    [null],
    [1],
    ['ping'],
    [true],
    [[]],
    [[{ type: 'ping' }]],
    [{}],
    [{ type: null }],
    [{ type: 7 }],
    [{ type: ['ping'] }],
    [{ type: 'auth' }],
    [{ type: 'auth', payload: {} }],
    [{ type: 'auth', payload: { token: '' } }],
    [{ type: 'auth', payload: { token: 'x'.repeat(4097) } }],
    [{ type: 'subscribe', channel: 'entity:Task', payload: null }],
    [{ type: 'subscribe', channel: 'entity:Task', payload: [] }],
    [{ type: 'subscribe', channel: 'entity:Task', payload: { position: 3 } }],
    [{ type: 'subscribe', channel: 'entity:Task', payload: { position: { epoch: 'e', offset: -1 } } }],
    [{ type: 'subscribe', channel: 'entity:Task', payload: { snapshot: 'yes' } }],
    [{ type: 'subscribe', channel: 'entity:Task', payload: { subscription: '' } }],
    [{ type: 'subscribe', channel: 'entity:Task', payload: { subscription: 'x'.repeat(101) } }],
    [{ type: 'presence:update', channel: 'presence:a' }],
    [{ type: 'presence:update', channel: 'presence:a', payload: {} }],
    [{ type: 'presence:join', channel: 'presence:a', payload: { metadata: [] } }],
    [{ type: 'presence:heartbeat', channel: 'presence:a', payload: { state: 'asleep' } }],
    [{ type: 'mutate' }],
    [{ type: 'mutate', payload: { ...mutation, operation: 'drop' } }],
    [{ type: 'mutate', payload: { ...mutation, mutationId: '' } }],
    [{ type: 'mutate', payload: { ...mutation, mutationId: 'a b' } }],
    [{ type: 'mutate', payload: { ...mutation, mutationId: 'ä' } }],
    [{ type: 'mutate', payload: { ...mutation, mutationId: 'x'.repeat(129) } }],
    [{ type: 'mutate', payload: { ...mutation, ifVersion: -1 } }],
    [{ type: 'mutate', payload: { ...mutation, ifVersion: '1' } }],
    [{ type: 'mutate', payload: { ...mutation, id: undefined } }],
    [{ type: 'mutate', payload: { ...mutation, fields: 'title' } }],
  ])('%j is bad_message', (message) => {
    expect(codeOf(message)).toBe('bad_message')
  })

  test.each([
    [{ type: 'subscribe', channel: 'entity:Task', payload: { query: { where: { a: { like: '%' } } } } }],
    [{ type: 'subscribe', channel: 'entity:Task', payload: { query: { where: { a: { eq: {} } } } } }],
    [{ type: 'subscribe', channel: 'entity:Task', payload: { query: { where: { a: [1] } } } }],
    [
      {
        type: 'subscribe',
        channel: 'entity:Task',
        payload: { query: { where: { a: { in: Array.from({ length: 101 }, () => 1) } } } },
      },
    ],
  ])('%j is bad_query', (message) => {
    expect(codeOf(message)).toBe('bad_query')
  })

  test.each([
    'subscribed',
    'entity:created',
    'presence:sync',
    'pong',
    'error',
    'connected',
    'PING',
    'toString',
    '__proto__',
    '',
  ])('type %j is unknown_type', (type) => {
    expect(codeOf({ type, channel: 'entity:Task' })).toBe('unknown_type')
  })

  test.each([
    'subscribe',
    'unsubscribe',
    'presence:join',
    'presence:update',
    'presence:heartbeat',
    'presence:leave',
    'message',
  ])('%s without a good channel is bad_channel', (type) => {
    for (const channel of [
      undefined,
      null,
      7,
      [],
      ['entity:Task'],
      {},
      '',
      'Task',
      'entity:Task\n',
      'x'.repeat(5_000),
    ]) {
      expect(codeOf({ type, channel, payload: { metadata: {} } })).toBe('bad_channel')
    }
  })

  test('a refusal repeats the subscription that it is about', () => {
    const payload = { subscription: 'mine', snapshot: 'yes' }
    expect(refusalOf({ type: 'subscribe', channel: 'entity:Task', payload })).toMatchObject({
      code: 'bad_message',
      subscription: 'mine',
    })
    const long = { ...payload, subscription: 'x'.repeat(101) }
    expect(refusalOf({ type: 'subscribe', channel: 'entity:Task', payload: long })).not.toHaveProperty(
      'subscription',
    )
  })

  test.each<[unknown, string]>([
    [
      { rank: { like: 1 } },
      'where.rank: there is no operator "like". Operators: eq, ne, lt, lte, gt, gte, in.',
    ],
    [{ rank: { eq: [1] } }, 'where.rank.eq: expected text, a number, true, false or null.'],
    [{ rank: { in: 1 } }, 'where.rank.in: expected a list of up to 100 values.'],
    [{ rank: [1] }, 'where.rank: expected a value, or comparisons such as {"eq":1}.'],
    [[], 'where: expected an object of fields.'],
  ])('a where that is %j is bad_query, and the sentence names what is wrong', (where, message) => {
    expect(
      refusalOf({ type: 'subscribe', channel: 'entity:Task', payload: { query: { where } } }),
    ).toMatchObject({ code: 'bad_query', message })
  })

  test('a frame that is refused before it is read finds its asker all the same', () => {
    const address = '"requestId":"r","channel":"entity:Task"'
    for (const rest of ['"__proto__":{}', `"payload":${'['.repeat(33)}${']'.repeat(33)}`]) {
      const parsed = parseClientMessage(`{"type":"subscribe",${address},${rest}}`)
      expect(parsed).toMatchObject({ code: 'bad_message', requestId: 'r', channel: 'entity:Task' })
    }
  })

  test('a nested or poisoned frame is refused before any schema sees it', () => {
    expect(
      parseClientMessage(
        `{"type":"message","channel":"room:a","payload":${'['.repeat(40)}${']'.repeat(40)}}`,
      ),
    ).toMatchObject({ ok: false, code: 'bad_message' })
    expect(
      parseClientMessage(
        '{"type":"presence:join","channel":"presence:a","payload":{"metadata":{"__proto__":{"x":1}}}}',
      ),
    ).toMatchObject({ ok: false, code: 'bad_message' })
  })

  test('a refusal carries the requestId and channel that could be read', () => {
    expect(refusalOf({ type: 'nope', requestId: 'r.1-a_B', channel: 'room:a' })).toMatchObject({
      requestId: 'r.1-a_B',
      channel: 'room:a',
    })
    expect(refusalOf({ type: 'subscribe', requestId: 'r1', channel: 'bad' })).toMatchObject({
      requestId: 'r1',
    })
    expect(refusalOf({ type: 'subscribe', requestId: 'r1', channel: 'bad' })).not.toHaveProperty('channel')
    expect(refusalOf({ type: 'auth', requestId: 'r1' })).toMatchObject({ requestId: 'r1' })
  })

  test.each([['a b'], ['x'.repeat(101)], [''], [7], [null], [{}], [['a']], ['a\nb'], ['é']])(
    'requestId %j is left out and no error',
    (requestId) => {
      const parsed = parse({ type: 'ping', requestId })
      expect(parsed.ok && parsed.value.requestId).toBeUndefined()
      expect(refusalOf({ type: 'nope', requestId })).not.toHaveProperty('requestId')
    },
  )

  test.each([['soon'], [-1], [null], [{}], [1e300], [undefined]])(
    'a timestamp of %j is no error',
    (timestamp) => {
      expect(parse({ type: 'ping', timestamp }).ok).toBe(true)
    },
  )

  test('unknown fields of envelope and payload are ignored', () => {
    expect(
      parse({
        type: 'subscribe',
        channel: 'entity:Task',
        colour: 'red',
        payload: { snapshot: true, depth: 3 },
      }),
    ).toEqual({
      ok: true,
      value: { type: 'subscribe', channel: 'entity:Task', payload: { snapshot: true } },
    })
  })

  test('a refusal does not repeat a long name from the frame', () => {
    const long = 'x'.repeat(10_000)
    const frames = [
      { type: long },
      { type: 'subscribe', channel: `room:${long}` },
      { type: 'subscribe', channel: 'entity:Task', payload: { query: { where: { [long]: 1 } } } },
      { type: 'subscribe', channel: 'entity:Task', payload: { query: { where: { a: { [long]: 1 } } } } },
      { type: 'mutate', payload: { ...mutation, fields: { [long]: 1 } } },
      { type: 'mutate', payload: { ...mutation, operation: long } },
    ]
    for (const frame of frames) expect(refusalOf(frame)?.message.length).toBeLessThan(400)
  })

  describe('with types that the application handles itself', () => {
    const extra = new Set(['cursor'])
    const parseExtra = (message: unknown) => parseClientMessage(JSON.stringify(message), undefined, extra)

    test('takes them as they are', () => {
      const message = { type: 'cursor', channel: 'room:a', requestId: 'r1', payload: { x: 1 } }
      expect(parseExtra(message)).toEqual({ ok: true, value: message })
    })

    test('checks their envelope', () => {
      expect(parseExtra({ type: 'cursor', requestId: { evil: true } })).toEqual({
        ok: true,
        value: { type: 'cursor' },
      })
      expect(parseExtra({ type: 'cursor', channel: 'nope' })).toMatchObject({
        ok: false,
        code: 'bad_channel',
      })
      expect(parseExtra({ type: 'cursor', channel: 7 })).toMatchObject({ ok: false, code: 'bad_channel' })
    })
  })

  test('never throws, whatever the frame holds', () => {
    const value = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom('entity:Task', 'room:a', 'presence:a', 'r1', { metadata: {} }, mutation),
    )
    const message = fc.record(
      {
        type: fc.oneof(
          fc.constantFrom(
            'subscribe',
            'unsubscribe',
            'presence:join',
            'presence:update',
            'ping',
            'auth',
            'mutate',
            'message',
          ),
          value,
        ),
        channel: value,
        payload: value,
        requestId: value,
        timestamp: value,
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(
        fc.oneof(
          message.map((each) => JSON.stringify(each)),
          fc.string({ unit: 'binary' }),
          fc.json(),
        ),
        (frame) => {
          const parsed = parseClientMessage(frame)
          if (!parsed.ok) expect(ERROR_CODES).toContain(parsed.code)
          else expect(parseClientMessage(JSON.stringify(parsed.value))).toEqual(parsed)
        },
      ),
      { numRuns: 1_000 },
    )
  })
})
