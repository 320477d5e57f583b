import { expect, test } from 'vitest'
import { findViolations } from '../boundaries.ts'

const violationsIn = (sources: Record<string, string>) =>
  findViolations(new Map(Object.entries(sources).map(([file, text]) => [`packages/${file}`, text])))

test('the star: a package imports protocol and internal, and no other sibling', () => {
  expect(
    violationsIn({ 'client/src/a.ts': `import '@dnr/protocol'; import type { A } from '@dnr/internal'` }),
  ).toEqual([])
  expect(violationsIn({ 'client/src/a.ts': `import type { A } from '@dnr/presence/client'` })).toEqual([
    'packages/client/src/a.ts imports @dnr/presence: client may import @dnr/protocol and @dnr/internal',
  ])
  expect(violationsIn({ 'internal/src/a.ts': `export { a } from '@dnr/server'` })).toHaveLength(1)
})

test('protocol imports no sibling, in types neither', () => {
  expect(violationsIn({ 'protocol/src/a.ts': `export type A = import('@dnr/internal').A` })).toEqual([
    'packages/protocol/src/a.ts imports @dnr/internal: protocol may import no @dnr package',
  ])
})

test('nothing imports its own index, by path or by name', () => {
  const violations = violationsIn({
    'server/src/a/b.ts': `import '../index.ts'`,
    'server/src/ws.ts': `import '@dnr/server'`,
    'server/src/node.ts': `import './a/index.ts'`,
  })
  expect(violations).toHaveLength(2)
})

test('browser entries reach no Node module, through siblings neither', () => {
  const violations = violationsIn({
    'client/src/index.ts': `export { a } from './a.ts'`,
    'client/src/a.ts': `import { a } from '@dnr/internal'`,
    'internal/src/index.ts': `export { a } from './a.ts'`,
    'internal/src/a.ts': `import { readFile } from 'fs/promises'`,
    'server/src/index.ts': `import 'node:http'`,
    'presence/src/server.ts': `import 'node:http'`,
  })
  expect(violations).toEqual([
    'packages/client/src/index.ts → packages/client/src/a.ts → packages/internal/src/index.ts → packages/internal/src/a.ts imports fs/promises: browser entries reach no Node module',
  ])
})

test('the root entry of protocol may use the types of zod, not zod', () => {
  const rest = { 'protocol/src/schemas.ts': `import { z } from 'zod'`, 'protocol/src/b.ts': `import 'zod'` }
  expect(
    violationsIn({
      ...rest,
      'protocol/src/index.ts': `export type { B } from './b.ts'; import type { z } from 'zod'`,
    }),
  ).toEqual([])
  expect(violationsIn({ ...rest, 'protocol/src/index.ts': `export { type B } from './b.ts'` })).toEqual([
    'packages/protocol/src/index.ts → packages/protocol/src/b.ts imports zod: the root entry of @dnr/protocol works without it',
  ])
})

test.each([
  'setTimeout(f, 1)',
  'globalThis.setInterval(f, 1)',
  'const later = setTimeout',
  'const host = { setTimeout }',
  'Date.now()',
  'const random = options.random ?? Math.random',
  'new WebSocket(url)',
  'new globalThis.WebSocket(url)',
])('%s belongs into a file of the allow-list', (text) => {
  expect(violationsIn({ 'optimistic/src/a.ts': text })).toHaveLength(1)
})

test.each([
  'clock.setTimeout(f, 1)',
  'interface Clock { setTimeout(f: () => void, delayMs: number): () => void }',
  'const clock = { setTimeout(f) { return f }, now: () => 0 }',
  'const clock = { setTimeout: f }',
  'clock.now()',
  'new Date(0)',
  'type Timer = ReturnType<typeof setTimeout>',
  'new options.WebSocket(url)',
])('%s is fine', (text) => {
  expect(violationsIn({ 'optimistic/src/a.ts': text })).toEqual([])
})

test('the allow-list names the feature, not only the file', () => {
  expect(violationsIn({ 'internal/src/system-random.ts': 'Math.random()' })).toEqual([])
  expect(violationsIn({ 'internal/src/system-random.ts': 'Date.now()' })).toHaveLength(1)
})
