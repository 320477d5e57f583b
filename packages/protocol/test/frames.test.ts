import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { readServerMessage } from '../src/codec/read-server-message.ts'
import { isErrorCode } from '../src/error-code.ts'
import type { ServerMessage } from '../src/messages/server-message.ts'
import { parseClientMessage, serverMessageSchema } from '../src/schemas.ts'

type GoldenFrame =
  | { readonly direction: 'client'; readonly frame: object }
  | { readonly direction: 'client'; readonly text: string }
  | { readonly direction: 'server'; readonly frame: ServerMessage }

const folder = new URL('../frames/', import.meta.url)
const files = readdirSync(folder).filter((name) => name.endsWith('.json'))
const read = (name: string) =>
  JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as readonly GoldenFrame[]

test('there is a file for each exchange of the original architecture, and one each for refusals, sessions and snapshots', () => {
  expect(files.toSorted()).toEqual([
    'entity-event.json',
    'errors.json',
    'ping.json',
    'presence.json',
    'session.json',
    'snapshot.json',
    'subscribe.json',
    'unsubscribe.json',
  ])
})

describe.each(files)('%s', (name) => {
  const frames = read(name)

  test('says of every frame who sends it', () => {
    for (const frame of frames) {
      expect(['client', 'server']).toContain(frame.direction)
      expect(Object.keys(frame)).toHaveLength(2)
    }
  })

  test('has frames of the server that fit the schemas, with no field beside', () => {
    for (const golden of frames) {
      if (golden.direction !== 'server') continue
      expect(serverMessageSchema.parse(golden.frame)).toEqual(golden.frame)
      expect(readServerMessage(JSON.stringify(golden.frame))).toEqual({ ok: true, value: golden.frame })
      if (golden.frame.type === 'error') expect(isErrorCode(golden.frame.payload.code)).toBe(true)
    }
  })

  test('has frames of the client that are taken, or refused with the code that follows', () => {
    for (const [index, golden] of frames.entries()) {
      if (golden.direction !== 'client') continue
      const parsed = parseClientMessage('text' in golden ? golden.text : JSON.stringify(golden.frame))
      const next = frames[index + 1]
      const answer = next?.direction === 'server' ? next.frame : undefined
      if (parsed.ok) continue
      expect(answer).toMatchObject({ type: 'error', payload: { code: parsed.code } })
      expect(answer?.requestId).toBe(parsed.requestId)
    }
  })
})

test('the exchanges begin with the messages of the original architecture, word for word', () => {
  const [subscribe] = read('subscribe.json')
  expect(subscribe).toEqual({
    direction: 'client',
    frame: { type: 'subscribe', channel: 'entity:Task', requestId: 'req_123', timestamp: 1701234567890 },
  })
  const created = read('entity-event.json').find(
    (golden) => golden.direction === 'server' && golden.frame.type === 'entity:created',
  )
  expect(created).toMatchObject({
    frame: {
      type: 'entity:created',
      channel: 'entity:Task',
      payload: {
        id: '550e8400-e29b-41d4-a716-446655440000',
        title: 'New task',
        status: 'open',
        created_at: '2024-11-28T10:00:00Z',
      },
      timestamp: 1701234567890,
    },
  })
  const sync = read('presence.json').find(
    (golden) => golden.direction === 'server' && golden.frame.type === 'presence:sync',
  )
  expect(sync).toMatchObject({
    frame: {
      type: 'presence:sync',
      channel: 'presence:workspace/tasks',
      payload: { users: [{ id: 'user1', name: 'Alice', lastSeen: 1701234560000 }] },
      timestamp: 1701234567890,
    },
  })
})
