import { createManualClock, drainMicrotasks } from '@dnr/testing'
import { DnrError } from '@dnr/protocol'
import { effect } from '@preact/signals-core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createOptimisticManager, type MutationAnswer, type OptimisticMutation } from '../src/index.ts'
import {
  type Change,
  createFakeServer,
  createTestRows,
  type Sent,
  type Task,
  task,
  type TestRows,
} from './fake-server.ts'

const IDS = ['a', 'b', 'c']
const byRank = (rows: Iterable<Task>): Task[] =>
  [...rows].sort((a, b) => a.rank - b.rank || (a.id < b.id ? -1 : 1))
const isTodo = (row: Task): boolean => row.status === 'todo'

/** A view and how far its stream has come. */
function createStream(
  server: ReturnType<typeof createFakeServer>,
  confirmed: TestRows,
  sees: (row: Task) => boolean,
) {
  let seen = 0
  /** The row as the server would tell this subscription: entered, changed, left, or nothing. */
  const tell = (change: Change): Change[] => {
    const before =
      server.log.slice(0, change.offset - 1).findLast((each) => each.id === change.id)?.row ??
      initial(change.id)
    const isIn = change.row !== null && sees(change.row)
    if (isIn || (change.row === null && before && sees(before))) return [change]
    return before && sees(before) ? [{ ...change, row: null, version: null, mutationId: null }] : []
  }
  const initial = (id: string): Task | null => (id === 'a' ? task('a') : null)
  return {
    step(count: number) {
      const next = server.log.slice(seen, seen + count)
      seen += next.length
      if (next.length > 0) confirmed.apply(next.flatMap(tell), seen)
    },
    resync() {
      seen = server.log.length
      confirmed.resync([...server.rows.values()].filter(sees), seen)
    },
  }
}

type Step = readonly [action: string, number, number]
const step: fc.Arbitrary<Step> = fc.tuple(
  fc.constantFrom(
    'create',
    'patch',
    'patch',
    'function',
    'delete',
    'move',
    'batch',
    'remote',
    'remoteDelete',
    'carryOut',
    'carryOut',
    'answer',
    'answer',
    'lose',
    'refuse',
    'retry',
    'discard',
    'stream',
    'stream',
    'otherStream',
    'resync',
    'tick',
    'reconnect',
  ),
  fc.nat(9),
  fc.nat(9),
)

/** Runs a script of steps against a server, two views and a manager, then lets everything arrive. */
async function run(steps: readonly Step[], ifVersion: boolean) {
  const server = createFakeServer([task('a')])
  const clock = createManualClock()
  const confirmed = createTestRows([task('a')])
  const todoRows = createTestRows([task('a')], isTodo)
  const streams = [
    createStream(server, confirmed, () => true),
    createStream(server, todoRows, isTodo),
  ] as const
  const optimistic = createOptimisticManager({ transport: server, clock, random: () => 0.5 })
  const all = optimistic.collection(confirmed, {
    ifVersion,
    draft: () => ({ count: 0, rank: 0, status: 'todo', title: '' }),
  })
  const todo = optimistic.collection(todoRows)
  const made = new Map<OptimisticMutation<Task>, string[]>()
  const open = new Set<Sent>()
  const results = new Map<Sent, MutationAnswer | Error>()
  let taken = 0

  const follow = (write: () => OptimisticMutation<Task>): void => {
    try {
      const mutation = write()
      if (made.has(mutation)) return
      const states: string[] = []
      made.set(mutation, states)
      effect(() => void states.push(mutation.state.value))
    } catch (error) {
      expect(error).toMatchObject({ code: expect.stringMatching(/^row_(exists|absent)$/) })
    }
  }
  const pick = (n: number): Sent | undefined => [...open][n % Math.max(open.size, 1)]
  const carryOut = (sent: Sent | undefined): void => {
    if (!sent || results.has(sent)) return
    try {
      results.set(sent, server.store(sent.request))
    } catch (error) {
      results.set(sent, error as Error)
    }
  }
  const answer = async (sent: Sent | undefined): Promise<void> => {
    const result = sent && results.get(sent)
    if (!sent || !result) return
    open.delete(sent)
    await (result instanceof Error ? sent.reject(result) : sent.answer(result))
  }
  const lose = async (sent: Sent | undefined, error: DnrError): Promise<void> => {
    if (!sent) return
    open.delete(sent)
    await sent.reject(error)
  }

  for (const [action, n, m] of steps) {
    const id = IDS[n % 3] as string
    if (action === 'create')
      follow(() => all.create({ id, title: `new${m}`, count: 0, rank: m, status: 'todo' }))
    if (action === 'patch') follow(() => all.update(id, { title: `t${m}` }))
    if (action === 'function') follow(() => all.update(id, (row) => ({ count: row.count + 1 })))
    if (action === 'move') follow(() => todo.update(id, { status: m % 2 ? 'done' : 'todo', rank: m }))
    if (action === 'delete') follow(() => all.delete(id))
    if (action === 'batch') {
      optimistic.batch(() => {
        follow(() => all.update(id, { title: `b${m}` }))
        follow(() => all.update(id, m % 2 ? { rank: m } : ({ count }) => ({ count: count + 1 })))
      })
    }
    const refused = optimistic.failed.value[m % Math.max(optimistic.failed.value.length, 1)]
    if (action === 'retry' && refused) follow(() => refused.retry() as OptimisticMutation<Task>)
    if (action === 'discard') refused?.discard()
    if (action === 'remote')
      server.remote(id, m % 2 ? { title: `r${m}`, rank: m } : { status: m % 4 ? 'done' : 'todo' })
    if (action === 'remoteDelete' && server.rows.has(id)) server.write(id, null)
    if (action === 'carryOut') carryOut(pick(n))
    if (action === 'answer') await answer(pick(n))
    if (action === 'lose') await lose(pick(n), new DnrError('disconnected', 'lost', { retryable: true }))
    // What was carried out cannot be refused any more.
    const isStored = ({ request }: Sent): boolean =>
      server.log.some((each) => each.mutationId === request.mutationId)
    const refusable = [...open].find((sent) => !results.has(sent) && !isStored(sent))
    if (action === 'refuse') await lose(refusable, new DnrError('forbidden', 'no'))
    if (action === 'stream') streams[0].step(m)
    if (action === 'otherStream') streams[1].step(m)
    if (action === 'resync') streams[m % 2 ? 0 : 1].resync()
    if (action === 'tick') await clock.advance(n * 300)
    if (action === 'reconnect') server.connected.value = !server.connected.value
    await drainMicrotasks()
    for (; taken < server.sent.length; taken++) open.add(server.sent[taken] as Sent)
    expect(all.rows.value).toEqual(byRank(all.rows.value))
    expect(todo.rows.value).toEqual(byRank(todo.rows.value).filter(isTodo))
  }

  server.connected.value = true
  for (let round = 0; round < 200 && (optimistic.pendingCount.value > 0 || open.size > 0); round++) {
    await drainMicrotasks()
    for (; taken < server.sent.length; taken++) open.add(server.sent[taken] as Sent)
    for (const sent of Array.from(open)) {
      carryOut(sent)
      await answer(sent)
    }
    await clock.advance(30_000)
  }
  for (const stream of streams) stream.step(Infinity)
  return { server, clock, optimistic, all, todo, made }
}

test.each([false, true])(
  'in every order of answers, echoes, refusals, losses and remote changes: views equal the server, each mutation settles once (ifVersion: %s)',
  async (ifVersion) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const { server, clock, optimistic, all, todo, made } = await run(steps, ifVersion)
        expect(all.rows.value).toEqual(byRank(server.rows.values()))
        expect(todo.rows.value).toEqual(byRank(server.rows.values()).filter(isTodo))
        expect([optimistic.pendingCount.value, clock.pendingTimers]).toEqual([0, 0])
        for (const states of made.values()) {
          // An effect sees the last of several states that came in one notification.
          expect(states.join(' ')).toMatch(/^(pending )?(acked )?synced$|^(pending )?failed$/)
        }
        const stored = server.log.map((change) => change.mutationId).filter((id) => id !== null)
        expect(new Set(stored).size).toBe(stored.length)
        // Of one that was retried the last attempt counts.
        const statesById = new Map([...made].map(([{ mutationId }, states]) => [mutationId, states]))
        for (const id of stored) expect(statesById.get(id)?.at(-1)).toBe('synced')
      }),
      { numRuns: 200 },
    )
  },
)

test('an update shows once and stays, whatever the order of echo, answer, loss and resync', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom('stream', 'otherStream', 'answer', 'lose', 'resync', 'oldResync', 'tick'), {
        maxLength: 12,
      }),
      fc.boolean(),
      async (steps, isFunction) => {
        const server = createFakeServer([task('a')])
        const clock = createManualClock()
        const views = [createTestRows([task('a')]), createTestRows([task('a')], isTodo)] as const
        const streams = [
          createStream(server, views[0], () => true),
          createStream(server, views[1], isTodo),
        ] as const
        const optimistic = createOptimisticManager({ transport: server, clock, random: () => 0.5 })
        const shown = views.map((view) => {
          const rows = optimistic.collection(view).rows
          const values: (number | undefined)[] = []
          effect(() => void values.push(rows.value[0]?.count))
          return values
        })
        const tasks = optimistic.collection(views[0])
        tasks.update('a', isFunction ? (row) => ({ count: row.count + 1 }) : { count: 1 })
        await drainMicrotasks()
        for (const action of steps) {
          const answer = server.store(server.last().request)
          if (action === 'stream') streams[0].step(1)
          if (action === 'otherStream') streams[1].step(1)
          if (action === 'answer') await server.last().answer(answer)
          if (action === 'lose')
            await server.last().reject(new DnrError('timeout', 'lost', { retryable: true }))
          if (action === 'resync') streams[0].resync()
          if (action === 'oldResync' && views[1].position?.offset === 0) views[1].resync([task('a')], 0)
          if (action === 'tick') await clock.advance(60_000)
        }
        for (const values of shown) expect(values.map(String).join(' ')).toMatch(/^0( 1)*$/)
      },
    ),
    { numRuns: 200 },
  )
})

test('the refusal of one mutation leaves what all others show as it was', async () => {
  const fields = ['title', 'count', 'rank', 'status'] as const
  const values = { title: 'x', count: 5, rank: 3, status: 'done' }
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom(...IDS), fc.constantFrom(...fields)), {
        minLength: 2,
        maxLength: 10,
      }),
      fc.infiniteStream(fc.boolean()),
      async (writes, refusals) => {
        const server = createFakeServer(IDS.map((id) => task(id)))
        const confirmed = createTestRows(IDS.map((id) => task(id)))
        const optimistic = createOptimisticManager({ transport: server, clock: createManualClock() })
        const tasks = optimistic.collection(confirmed)
        const isRefused = new Map<string, boolean>()
        for (const [id, field] of writes) {
          const { mutationId } = tasks.update(id, { [field]: values[field] })
          isRefused.set(mutationId, refusals.next().value as boolean)
        }
        await drainMicrotasks()
        for (let index = 0; index < server.sent.length; index++) {
          const sent = server.sent[index] as Sent
          if (isRefused.get(sent.request.mutationId)) await sent.reject(new DnrError('forbidden', 'no'))
          else await sent.answer(server.store(sent.request))
        }
        const expected = new Map<string, Task>(IDS.map((id) => [id, task(id)]))
        const verdicts = [...isRefused.values()]
        writes.forEach(([id, field], index) => {
          const row = expected.get(id) as Task
          if (!verdicts[index]) expected.set(id, { ...row, [field]: values[field], version: row.version + 1 })
        })
        expect(tasks.rows.value).toEqual(byRank(expected.values()))
      },
    ),
    { numRuns: 200 },
  )
})
