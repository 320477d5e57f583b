// F28, F29: answers that are lost, and questions that overlap.
import { expect, test } from 'vitest'
import { openBench, waitUntil } from '../../src/faults/bench.ts'

const write = (title: string, key: string) =>
  ({
    method: 'POST',
    path: '/api/Task',
    body: { id: title, title },
    headers: { 'idempotency-key': key },
  }) as const

test('F28 the answer is lost after the commit: asked again with its key, it is the same answer and one change', async () => {
  await using bench = await openBench()
  await bench.watch({ proxy: bench.steady })
  const before = await bench.metric('dnr_log_offset')
  const question = write('once', 'key-1')
  const first = bench.ask(question, bench.shaky)
  await waitUntil(() => bench.shaky.links.length > 0, 'the connection')
  for (const link of bench.shaky.links) bench.shaky.inflict(link, { kind: 'loseReply' })
  expect(await first).toBeNull()
  const again = await bench.ask(question, bench.shaky)
  const third = await bench.ask(question, bench.shaky)
  expect(again?.status).toBe(201)
  const told = ({ status, body, headers }: NonNullable<typeof again>) => ({
    status,
    body,
    position: headers['dnr-position'],
    etag: headers['etag'],
  })
  expect(told(third as never)).toEqual(told(again as never))
  expect(await bench.violations()).toEqual([])
  expect((await bench.metric('dnr_log_offset')) - before).toBe(1)
  const other = await bench.ask(write('another', 'key-1'))
  expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } })
})

test('F28 also across a crash of the server', async () => {
  await using bench = await openBench()
  const question = write('once', 'key-1')
  const first = await bench.ask(question)
  await bench.server.kill()
  await bench.server.start()
  const again = await bench.ask(question)
  expect(again).toMatchObject({ status: 201, body: first?.body as object })
  expect(again?.headers['dnr-position']).toBe(first?.headers['dnr-position'])
})

test('F29 ten questions at once under one key: one change, and every answer is the same or says that it is in flight', async () => {
  await using bench = await openBench()
  await bench.watch({ proxy: bench.steady })
  const before = await bench.metric('dnr_log_offset')
  const replies = await Promise.all(
    Array.from({ length: 10 }, (_, index) =>
      bench.ask(write('once', 'key-1'), index % 2 === 0 ? bench.steady : bench.shaky),
    ),
  )
  const answers = new Set(
    replies
      .filter((reply) => reply?.status !== 409)
      .map((reply) => JSON.stringify([reply?.status, reply?.body, reply?.headers['dnr-position']])),
  )
  expect([...answers]).toEqual([expect.stringMatching(/^\[201,/)])
  expect(await bench.violations()).toEqual([])
  expect((await bench.metric('dnr_log_offset')) - before).toBe(1)
})
