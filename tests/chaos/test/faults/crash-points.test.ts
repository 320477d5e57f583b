// F02: the server is killed when a write is stored and told, and its author has not been answered. The points before that stand in
// packages/repository/test/write/crash.test.ts.
import { existsSync, readFileSync, statSync } from 'node:fs'
import { temporaryFolder } from '@dnr/flow-tests/temporary-folder'
import { expect, test } from 'vitest'
import { openBench, waitUntil } from '../../src/faults/bench.ts'
import { readDatabase } from '../../src/storm/read-database.ts'

const holdAnswer = new URL('../../src/processes/hold-answer-process.ts', import.meta.url)

test('F02 killed after fan-out and before the answer: the write is there, told once, and asked again it gets the answer that was lost', async () => {
  await using folder = await temporaryFolder()
  await using bench = await openBench({ env: { NODE_OPTIONS: `--import=${holdAnswer.href}` } })
  await bench.watch()
  const subscriber = await bench.subscribe()
  await bench.write(5)
  const events = () =>
    subscriber.stream.journal.flatMap((entry) =>
      entry.kind === 'event' && entry.event.mutationId === 'key-1' ? [entry.event] : [],
    )
  const held = folder.file('answer.json')
  const question = { method: 'POST', path: '/api/Task', body: { id: 'once', title: 'once' } } as const
  const key = { 'idempotency-key': 'key-1' }

  const first = bench.ask({ ...question, headers: { ...key, 'x-hold-answer': held }, timeoutMs: 30_000 })
  await waitUntil(() => existsSync(held) && statSync(held).size > 0, 'the answer to be ready')
  await waitUntil(() => events().length > 0, 'the event')
  await bench.server.kill()
  expect(await first).toBeNull()
  // So that who comes back has something to be told.
  bench.shaky.refuse(60_000)
  await bench.server.start()
  const again = await bench.ask({ ...question, headers: key })
  expect(again).toMatchObject({ status: 201, body: JSON.parse(readFileSync(held, 'utf8')) as object })
  const written = readDatabase(bench.path).log.filter(({ id }) => id === 'once')
  expect(written).toMatchObject([{ operation: 'created', mutationId: 'key-1' }])
  expect(again?.headers['dnr-position']).toMatch(new RegExp(`:${written[0]?.offset}$`))
  await bench.write(1)
  bench.shaky.heal()
  await waitUntil(() => subscriber.isLive, 'the subscriber to be back')
  expect(await bench.violations()).toEqual([])
  expect(events()).toHaveLength(1)
})
