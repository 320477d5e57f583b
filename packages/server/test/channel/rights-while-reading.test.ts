// Rights change while somebody is sent a snapshot.
import { createDeferred } from '@dnr/internal'
import { drainMicrotasks } from '@dnr/testing'
import { expect, test } from 'vitest'
import { policies } from '../../src/policy/policies.ts'
import { allow, type RowRule } from '../../src/policy/rule.ts'
import { Task, type TaskRow } from '../support/entities.ts'
import { createMemoryStore, type MemoryStore, task } from '../support/memory-store.ts'
import { createTestServer, typesOf } from '../support/test-server.ts'

const onlyA: RowRule<TaskRow> = { key: 'only-a', sees: ({ id }) => id === 'a' }
const begin = { type: 'subscribe', channel: 'entity:Task', payload: { snapshot: true, grant: null } }

async function readHalf(
  place: 'chunk' | 'head',
  ids: readonly string[],
  rule: boolean | RowRule<TaskRow> = true,
) {
  const memory: MemoryStore = createMemoryStore({ chunkRows: 1 })
  memory.write(ids.map((id) => ({ id, row: task('red') })))
  const rights: { now: boolean | RowRule<TaskRow> } = { now: rule }
  const server = createTestServer({ memory, policies: policies(allow(Task, () => rights.now)) })
  const ann = await server.connect('ann@red')
  const reached = createDeferred()
  // Of who sees all the head is read with the last part alone, of others with each.
  const waitsAt = place === 'head' && rule === true ? 1 : 2
  let passed = 0
  memory.gate = (what) => (what === place && ++passed === waitsAt ? reached.promise : undefined)
  const begun = await ann.ask(begin)
  await drainMicrotasks()
  return { server, ann, rights, begun, goOn: () => reached.resolve() }
}

test('the same rights, told while the last part waits: every row comes, once', async () => {
  const { server, ann, begun, goOn } = await readHalf('head', ['a', 'b'])
  await server.rightsChanged({ userId: 'ann' })
  goOn()
  const heard = JSON.stringify([begun, await ann.take()])
  for (const id of ['a', 'b']) expect(heard.split(`"id":"${id}"`)).toHaveLength(2)
})

test('the same rule, asked again while the last part waits: the part has its rows, which vanish nowhere in between', async () => {
  const { server, ann, goOn } = await readHalf('head', ['a', 'b'], { key: 'red', sees: () => true })
  await server.rightsChanged({ userId: 'ann' })
  goOn()
  const rest = await ann.take()
  expect(rest[0]).toMatchObject({ type: 'snapshot', payload: { rows: [{ id: 'b' }], more: true } })
  expect(rest[1]).toMatchObject({ type: 'snapshot', payload: { rows: [], more: false } })
  expect(typesOf(rest)).toEqual(['snapshot', 'snapshot', 'subscribed'])
})

test('fewer rights: the client asks anew, and hears nothing of rows that it was not sent', async () => {
  const { server, ann, rights, goOn } = await readHalf('chunk', ['a', 'b', 'c', 'd'])
  rights.now = onlyA
  await server.rightsChanged({ userId: 'ann' })
  goOn()
  const rest = await ann.take()
  expect(typesOf(rest)).toEqual(['unsubscribed'])
  expect(JSON.stringify(rest)).not.toContain('"c"')
})

test('fewer rights and all again: nothing that was judged in between is missing afterwards', async () => {
  const { server, ann, rights, goOn } = await readHalf('chunk', ['a', 'b', 'c', 'd'])
  rights.now = onlyA
  const asked = server.rightsChanged({ userId: 'ann' })
  rights.now = true
  await Promise.all([asked, server.rightsChanged({ userId: 'ann' })])
  goOn()
  await ann.take()
  const anew = JSON.stringify(await ann.ask(begin))
  for (const id of ['a', 'b', 'c', 'd']) expect(anew).toContain(`"id":"${id}"`)
})

test('rights that change faster than they can be asked about: the client is sent away, and nobody waits for ever', async () => {
  const rule: RowRule<TaskRow> = { key: 'red', sees: () => true }
  const memory = createMemoryStore({ chunkRows: 1 })
  memory.write(['a', 'b', 'c'].map((id) => ({ id, row: task('red') })))
  const questions: { resolve(rule: RowRule<TaskRow>): void }[] = []
  let isSlow = false
  const server = createTestServer({
    memory,
    policies: policies(
      allow(Task, () => {
        if (!isSlow) return rule
        const question = createDeferred<RowRule<TaskRow>>()
        questions.push(question)
        return question.promise
      }),
    ),
  })
  const ann = await server.connect('ann@red')
  const chunk = createDeferred()
  memory.gate = (what) => (what === 'chunk' ? chunk.promise : undefined)
  await ann.ask(begin)
  isSlow = true
  let told = 0
  for (let n = 0; n < 20; n++) {
    const pending = questions.at(-1)
    void server.rightsChanged({ key: 'red' }).then(() => told++)
    pending?.resolve(rule)
    await drainMicrotasks()
  }
  chunk.resolve()
  expect(typesOf(await ann.take())).toEqual(['unsubscribed'])
  expect(told).toBe(20)
})
