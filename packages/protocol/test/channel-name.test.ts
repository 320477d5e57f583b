import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type Channel,
  formatChannel,
  isRowId,
  MAX_CHANNEL_BYTES,
  parseChannel,
  utf8Bytes,
} from '../src/channel-name.ts'

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).filter((value) => isRowId(value))
const entity = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_]{0,30}$/)
const channel: fc.Arbitrary<Channel> = fc.oneof(
  fc.record({ kind: fc.constant('entity' as const), entity }),
  fc.record({ kind: fc.constant('record' as const), entity, id: text }),
  fc.record({ kind: fc.constant('presence' as const), resource: text }),
  fc.record({ kind: fc.constant('user' as const), userId: text }),
  fc.record({ kind: fc.constant('room' as const), room: text }),
)

describe('channel names', () => {
  test('parsing what was formatted gives the same channel', () => {
    fc.assert(
      fc.property(channel, (value) => {
        const name = formatChannel(value)
        fc.pre(utf8Bytes(name) <= MAX_CHANNEL_BYTES)
        expect(parseChannel(name)).toEqual({ ok: true, value })
      }),
    )
  })

  test('formatting what was parsed gives the same name, character by character', () => {
    const anyName = fc.oneof(
      fc.string({ unit: 'binary' }),
      channel.map(formatChannel),
      fc.string().map((rest) => `entity:${rest}`),
    )
    fc.assert(
      fc.property(anyName, (name) => {
        const parsed = parseChannel(name)
        if (parsed.ok) expect(formatChannel(parsed.value)).toBe(name)
        else expect(parsed.code).toBe('bad_channel')
      }),
    )
  })

  test.each<[string, Channel]>([
    ['entity:Task', { kind: 'entity', entity: 'Task' }],
    ['entity:Task:42', { kind: 'record', entity: 'Task', id: '42' }],
    ['entity:Task:a:b::c', { kind: 'record', entity: 'Task', id: 'a:b::c' }],
    [
      'entity:Task:550e8400-e29b-41d4-a716-446655440000',
      { kind: 'record', entity: 'Task', id: '550e8400-e29b-41d4-a716-446655440000' },
    ],
    ['presence:workspace/tasks', { kind: 'presence', resource: 'workspace/tasks' }],
    ['presence:entity:Task', { kind: 'presence', resource: 'entity:Task' }],
    ['user:alice', { kind: 'user', userId: 'alice' }],
    ['room:größe 🙂', { kind: 'room', room: 'größe 🙂' }],
    ['presence:..', { kind: 'presence', resource: '..' }],
  ])('reads %s', (name, value) => {
    expect(parseChannel(name)).toEqual({ ok: true, value })
  })

  test.each([
    '',
    ':',
    'Task',
    'entity',
    'entity:',
    'entity::',
    'entity::42',
    'entity:Task:',
    'entity:1Task',
    'entity:Ta-sk',
    'entity:Ta sk',
    'entity:*',
    'entity:Task*',
    'entity:Таsk',
    'Entity:Task',
    'ENTITY:Task',
    ' entity:Task',
    'entity: Task',
    'entity:Task:.',
    'entity:Task:..',
    'user:',
    'room:',
    'presence:',
    'admin:all',
    'constructor:x',
    '__proto__:x',
    'entity:Task\r\nSUBSCRIBE x',
    'user:alice\0',
    'user:alice\n',
    'room:\u007f',
    'room:\u0085',
    'room:a\u2028b',
    'room:\ud800',
    'entity:Task:\udc00x',
    'presence:\u0000',
  ])('refuses %j', (name) => {
    expect(parseChannel(name)).toMatchObject({ ok: false, code: 'bad_channel' })
  })

  test.each([
    ['user:alice', 'user:alice '],
    ['user:a,b', 'user:b,a'],
    ['user:Alice', 'user:alice'],
    ['user:alice', 'user:аlice'],
    ['user:é', 'user:e\u0301'],
    ['room:a', 'room:a*'],
  ])('keeps %j and %j apart', (one, other) => {
    const [a, b] = [parseChannel(one), parseChannel(other)]
    expect(a.ok && b.ok).toBe(true)
    expect(a).not.toEqual(b)
  })

  test('counts bytes, not characters, against the limit', () => {
    expect(parseChannel(`room:${'a'.repeat(251)}`).ok).toBe(true)
    expect(parseChannel(`room:${'a'.repeat(252)}`).ok).toBe(false)
    expect(parseChannel(`room:${'é'.repeat(125)}`).ok).toBe(true)
    expect(parseChannel(`room:${'é'.repeat(126)}`).ok).toBe(false)
    expect(parseChannel(`room:${'x'.repeat(5_000)}`).ok).toBe(false)
  })

  test('of a user’s channel the id alone counts: 64 characters of any script fit', () => {
    expect(parseChannel(`user:${'🦊'.repeat(64)}`)).toEqual({
      ok: true,
      value: { kind: 'user', userId: '🦊'.repeat(64) },
    })
    expect(parseChannel(`user:${'a'.repeat(256)}`).ok).toBe(true)
    expect(parseChannel(`user:${'a'.repeat(257)}`).ok).toBe(false)
    expect(parseChannel(`user:${'🦊'.repeat(65)}`).ok).toBe(false)
    expect(parseChannel(`user:${'x'.repeat(5_000)}`).ok).toBe(false)
  })

  test('an id has 1 to 200 bytes and is not a dot that a URL would swallow', () => {
    expect([isRowId('a'.repeat(200)), isRowId('a'.repeat(201))]).toEqual([true, false])
    expect([isRowId('🙂'.repeat(50)), isRowId('🙂'.repeat(51))]).toEqual([true, false])
    expect(['.', '..', '', '\t', '...', ' '].map(isRowId)).toEqual([false, false, false, false, true, true])
    expect(parseChannel(`entity:T:${'a'.repeat(201)}`).ok).toBe(false)
  })

  test('utf8Bytes counts as an encoder does', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        fc.pre(value.isWellFormed())
        expect(utf8Bytes(value)).toBe(Buffer.byteLength(value))
      }),
    )
  })

  test('a refusal quotes nothing of the name, so that a log line cannot be forged with it', () => {
    const parsed = parseChannel('entity:\r\nINFO all is well')
    expect(parsed.ok || parsed.message).not.toMatch(/all is well|[\r\n]/)
  })
})
