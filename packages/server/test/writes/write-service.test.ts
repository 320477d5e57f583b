import { createDeferred, type Deferred } from '@dnr/internal'
import { DnrError, VersionConflict } from '@dnr/protocol'
import { drainMicrotasks } from '@dnr/testing'
import { describe, expect, test } from 'vitest'
import type { Mutation } from '../../src/ports/entity-store.ts'
import type { Rule } from '../../src/policy/rule.ts'
import { createWriteService, type WriteAnswer, type WriteContext } from '../../src/writes/write-service.ts'
import { ann, bob, evaluator, Task, task, type TaskRow, teamRule, type User } from './fixtures.ts'
import { createMemoryStore, type MemoryStore } from './memory-store.ts'

interface Setting {
  readonly store: MemoryStore
  write(mutation: Mutation, context?: Partial<WriteContext>): Promise<WriteAnswer>
  refusal(mutation: Mutation, context?: Partial<WriteContext>): Promise<DnrError>
}

function setting(
  rows: Record<string, unknown>[],
  rule: (user: User | null) => Rule<TaskRow> = teamRule,
): Setting {
  const store = createMemoryStore(Task, rows)
  const writes = createWriteService({ stores: [store], policies: evaluator(rule) })
  const write: Setting['write'] = (mutation, context = {}) =>
    writes.write('Task', mutation, { principal: ann, ...context })
  return {
    store,
    write,
    refusal: (mutation, context) =>
      write(mutation, context).then(
        () => expect.fail('the write was accepted'),
        (error: unknown) => error as DnrError,
      ),
  }
}

const seeing = (more: Partial<Exclude<Rule<TaskRow>, boolean | null | undefined>>) => (user: User | null) =>
  user && { sees: (row: TaskRow) => row.team === user.team, ...more }

test('creates, updates and deletes a row of its author', async () => {
  const { store, write } = setting([])
  const created = await write({ operation: 'create', fields: { id: 't1', title: 'Buy milk' } })
  expect(created).toMatchObject({
    row: { id: 't1', title: 'Buy milk', version: 1 },
    visible: true,
    version: 1,
    replayed: false,
  })
  const updated = await write({ operation: 'update', id: 't1', fields: { title: 'Buy oats' }, ifVersion: 1 })
  expect(updated).toMatchObject({ row: { title: 'Buy oats', version: 2 }, visible: true, version: 2 })
  const deleted = await write({ operation: 'delete', id: 't1' })
  expect(deleted).toMatchObject({
    row: null,
    visible: true,
    version: 3,
    position: { epoch: 'e1', offset: 3 },
  })
  expect(store.rows.size).toBe(0)
})

test('a guest may write nothing, whatever the policy says', async () => {
  const { refusal, store } = setting([task('t1')], () => true)
  expect((await refusal({ operation: 'delete', id: 't1' }, { principal: null })).code).toBe('unauthorized')
  expect(store.rows.size).toBe(1)
})

test('an unknown entity, one without a rule and one without a grant are refused alike', async () => {
  const store = createMemoryStore(Task)
  const write: Mutation = { operation: 'create', fields: { title: 'x' } }
  const granted = createWriteService({ stores: [store], policies: evaluator(() => true) })
  const denied = createWriteService({ stores: [store], policies: evaluator(() => false) })
  const unknown = await granted.write('Nope', write, { principal: ann }).catch((error: unknown) => error)
  const ungranted = await denied.write('Task', write, { principal: ann }).catch((error: unknown) => error)
  const inherited = await granted
    .write('constructor', write, { principal: ann })
    .catch((error: unknown) => error)
  expect([unknown, ungranted, inherited].map((error) => (error as DnrError).code)).toEqual([
    'not_found',
    'not_found',
    'not_found',
  ])
  expect(new Set([unknown, ungranted, inherited].map((error) => (error as DnrError).message)).size).toBe(1)
})

test.each<[string, Omit<Mutation, 'id'>]>([
  ['an update', { operation: 'update', fields: { title: 'x' } }],
  ['an update with a condition', { operation: 'update', fields: { title: 'x' }, ifVersion: 7 }],
  ['an update of an unknown field', { operation: 'update', fields: { nonsense: 1 } }],
  ['an update with a bad value', { operation: 'update', fields: { title: '' } }],
  ['a deletion', { operation: 'delete' }],
  ['a deletion with a condition', { operation: 'delete', ifVersion: 7 }],
])('%s of a row that cannot be seen is refused exactly as of an absent one', async (_name, mutation) => {
  const { refusal, store } = setting([task('theirs', { team: 'blue' })])
  const hidden = await refusal({ ...mutation, id: 'theirs' })
  const absent = await refusal({ ...mutation, id: 'absent' })
  const impossible = await refusal({ ...mutation, id: '..' })
  for (const error of [hidden, absent, impossible]) {
    expect({ code: error.code, message: error.message, details: error.details }).toEqual({
      code: 'not_found',
      message: 'There is no such row, or you may not see it.',
      details: undefined,
    })
  }
  expect(store.rows.get('theirs')).toMatchObject({ version: 1 })
})

test('a row that may be seen but not written is forbidden', async () => {
  const { refusal } = setting([task('t1')], seeing({}))
  expect((await refusal({ operation: 'create', fields: { title: 'x' } })).code).toBe('forbidden')
  expect((await refusal({ operation: 'update', id: 't1', fields: { title: 'x' } })).code).toBe('forbidden')
  expect((await refusal({ operation: 'delete', id: 't1' })).code).toBe('forbidden')
})

test('a rule decides by the row before and after', async () => {
  const rule = seeing({
    create: (after) => after.team === 'red',
    update: (before, after) => before.rank <= after.rank,
    delete: (before) => before.rank === 0,
  })
  const { write, refusal } = setting([task('t1', { rank: 5 })], rule)
  expect((await refusal({ operation: 'create', fields: { title: 'x', team: 'blue' } })).code).toBe(
    'forbidden',
  )
  expect((await refusal({ operation: 'update', id: 't1', fields: { rank: 4 } })).code).toBe('forbidden')
  expect((await refusal({ operation: 'delete', id: 't1' })).code).toBe('forbidden')
  await expect(write({ operation: 'update', id: 't1', fields: { rank: 6 } })).resolves.toMatchObject({
    version: 2,
  })
})

test('names every field that may not be set, and drops none', async () => {
  const { write, refusal, store } = setting(
    [task('t1')],
    seeing({ create: ['title'], update: () => ['title'] }),
  )
  const error = await refusal({
    operation: 'update',
    id: 't1',
    fields: { title: 'x', salary: 9, team: 'blue' },
  })
  expect(error.code).toBe('forbidden_field')
  expect(error.message).toContain('salary, team')
  expect(error.details).toEqual({
    errors: [
      { path: ['salary'], message: 'you may not set this field' },
      { path: ['team'], message: 'you may not set this field' },
    ],
  })
  expect(store.rows.get('t1')).toMatchObject({ version: 1 })
  expect((await refusal({ operation: 'create', fields: { title: 'x', salary: 9 } })).code).toBe(
    'forbidden_field',
  )
  await expect(write({ operation: 'create', fields: { id: 'own', title: 'x' } })).resolves.toMatchObject({
    row: { id: 'own' },
  })
})

test('a write whose result its author may not see is done and shows nothing', async () => {
  const { write, store } = setting([task('t1')])
  const answer = await write({ operation: 'update', id: 't1', fields: { team: 'blue' } })
  expect(answer).toMatchObject({ row: null, visible: false, version: 2 })
  expect(store.rows.get('t1')).toMatchObject({ team: 'blue' })
})

test('answers and conflicts hold the fields that may be read, in JSON form', async () => {
  const rule = seeing({ fields: ['title', 'due', 'views'], update: true })
  const { write, refusal } = setting([task('t1', { salary: 100 })], rule)
  const fields = { due: '2026-01-02T03:04:05.000Z', views: '12345678901234567890' }
  const { row } = await write({ operation: 'update', id: 't1', fields })
  expect(row).toEqual({ id: 't1', version: 2, title: 'Task t1', ...fields })
  const conflict = await refusal({ operation: 'update', id: 't1', fields: { title: 'x' }, ifVersion: 1 })
  expect(conflict).toBeInstanceOf(VersionConflict)
  expect((conflict as VersionConflict).current).toEqual(row)
  expect(conflict.details).toEqual({ expectedVersion: 1, currentVersion: 2 })
})

test('stores get dates and bigints, made of the text that came', async () => {
  const { write, store, refusal } = setting([])
  await write({ operation: 'create', fields: { id: 't1', title: 'x', due: '2026-01-02', views: '7' } })
  expect(store.rows.get('t1')).toMatchObject({ due: new Date('2026-01-02'), views: 7n })
  expect((await refusal({ operation: 'update', id: 't1', fields: { due: 'tomorrow' } })).code).toBe(
    'bad_field',
  )
  expect((await refusal({ operation: 'update', id: 't1', fields: { views: '1.5' } })).code).toBe('bad_field')
})

test('an update without fields is refused, of an absent row alike', async () => {
  const { refusal } = setting([task('t1')])
  expect((await refusal({ operation: 'update', id: 't1', fields: {} })).code).toBe('bad_field')
  expect((await refusal({ operation: 'update', id: 'absent' })).code).toBe('bad_field')
})

test('repeating a write gives the stored answer', async () => {
  const { write, refusal, store } = setting([])
  const mutation: Mutation = { operation: 'create', fields: { title: 'x' } }
  const first = await write(mutation, { mutationId: 'm1' })
  const again = await write(mutation, { mutationId: 'm1' })
  expect(again).toEqual({ ...first, replayed: true })
  expect(store.rows.size).toBe(1)
  expect((await refusal({ operation: 'create', fields: { title: 'y' } }, { mutationId: 'm1' })).code).toBe(
    'mutation_id_reused',
  )
  await expect(write(mutation, { mutationId: 'm1', principal: bob })).resolves.toMatchObject({
    replayed: false,
  })
})

test('a stored answer is hidden from an author who may not see the row any more', async () => {
  const { write, store } = setting([task('t1')])
  const mutation: Mutation = { operation: 'update', id: 't1', fields: { title: 'x' } }
  await write(mutation, { mutationId: 'm1' })
  store.rows.set('t1', { ...task('t1', { team: 'blue' }), id: 't1', version: 3 })
  await expect(write(mutation, { mutationId: 'm1' })).resolves.toMatchObject({
    row: null,
    visible: false,
    version: 2,
    replayed: true,
  })
})

test('the row of a stored answer is not shown when it is gone', async () => {
  const { write, store } = setting([task('t1')])
  const mutation: Mutation = { operation: 'update', id: 't1', fields: { title: 'x' } }
  await write(mutation, { mutationId: 'm1' })
  store.rows.delete('t1')
  await expect(write(mutation, { mutationId: 'm1' })).resolves.toMatchObject({ row: null, visible: false })
})

test('a write that waits while rights change is judged, and answered, by the rights of today', async () => {
  let sees: 'red' | 'blue' = 'red'
  const policies = evaluator(() => ({ sees: (row) => row.team === sees, create: true, update: true }))
  const store = createMemoryStore(Task, [task('t1')])
  const { mutate } = store
  const move = (): void => {
    sees = 'blue'
    policies.outdate()
  }
  const write = (when: 'before' | 'after'): Promise<WriteAnswer> => {
    sees = 'red'
    const waiting: MemoryStore = {
      ...store,
      async mutate(mutation, context) {
        if (when === 'before' && sees === 'red') move()
        const result = await mutate(mutation, context)
        if (when === 'after') move()
        return result
      },
    }
    const service = createWriteService({ stores: [waiting], policies })
    return service.write(
      'Task',
      { operation: 'update', id: 't1', fields: { title: when } },
      { principal: ann },
    )
  }
  await expect(write('after')).resolves.toMatchObject({ row: null, visible: false })
  await expect(write('before')).rejects.toMatchObject({ code: 'not_found' })
  expect(store.rows.get('t1')).toMatchObject({ title: 'after' })
})

test('a write that is stored is said to be, though nobody can say any more what its author may see', async () => {
  const policies = evaluator(() => {
    // From the moment of the write on, each answer is one of before.
    if (isStored) policies.outdate()
    return { sees: () => true, update: true }
  })
  let isStored = false
  const store = createMemoryStore(Task, [task('t1')])
  const moving: MemoryStore = {
    ...store,
    async mutate(mutation, context) {
      const result = await store.mutate(mutation, context)
      isStored = true
      policies.outdate()
      return result
    },
  }
  const service = createWriteService({ stores: [moving], policies })
  const answer = service.write(
    'Task',
    { operation: 'update', id: 't1', fields: { title: 'stored' } },
    { principal: ann },
  )
  await expect(answer).resolves.toMatchObject({ row: null, visible: false })
  expect(store.rows.get('t1')).toMatchObject({ title: 'stored' })
})

test('a write before which rights always change is tried ten times, then busy, and nothing is written', async () => {
  const policies = evaluator(teamRule)
  const store = createMemoryStore(Task, [task('t1')])
  let tries = 0
  const moving: MemoryStore = {
    ...store,
    mutate(mutation, context) {
      if (++tries > 100) throw new Error('It is tried for ever.')
      policies.outdate()
      return store.mutate(mutation, context)
    },
  }
  const service = createWriteService({ stores: [moving], policies })
  const mutation: Mutation = { operation: 'update', id: 't1', fields: { title: 'new' } }
  const refusal = { code: 'busy', retryable: true, retryAfterMs: 1_000 }
  await expect(service.write('Task', mutation, { principal: ann })).rejects.toMatchObject(refusal)
  expect(tries).toBe(10)
  expect(store.rows.get('t1')).not.toMatchObject({ title: 'new' })
})

test('a repeated deletion is answered, though the row is gone', async () => {
  const { write } = setting([task('t1')])
  await write({ operation: 'delete', id: 't1' }, { mutationId: 'm1' })
  const again = await write({ operation: 'delete', id: 't1' }, { mutationId: 'm1' })
  expect(again).toMatchObject({ row: null, visible: true, replayed: true })
})

test('a rule that throws denies', async () => {
  const rule = seeing({
    update: () => {
      throw new Error('oops')
    },
  })
  const { refusal } = setting([task('t1')], rule)
  expect((await refusal({ operation: 'update', id: 't1', fields: { title: 'x' } })).code).toBe('forbidden')
})

test('failures of the store come through as they are', async () => {
  const { refusal, store } = setting([task('t1')])
  const busy = new DnrError('busy', 'Locked.', { retryable: true })
  store.failure = busy
  expect(await refusal({ operation: 'update', id: 't1', fields: { title: 'x' } })).toBe(busy)
})

test('who wrote before their rights ended is told so when they ask again, and nothing of the row', async () => {
  let isMember = true
  const { write, refusal } = setting([task('t1')], (user) => isMember && teamRule(user))
  const mutation: Mutation = { operation: 'update', id: 't1', fields: { title: 'x' } }
  const first = await write(mutation, { mutationId: 'm1' })
  isMember = false
  await expect(write(mutation, { mutationId: 'm1' })).resolves.toMatchObject({
    row: null,
    visible: false,
    position: first.position,
    replayed: true,
  })
  expect((await refusal(mutation, { mutationId: 'm2' })).code).toBe('not_found')
  expect(
    (await refusal({ operation: 'update', id: 't1', fields: { no: 1 } }, { mutationId: 'm3' })).code,
  ).toBe('not_found')
})

test('a twin waits for the first, which may still be done', async () => {
  const store = createMemoryStore(Task, [task('t1', { team: 'blue' })])
  let letGo = (): void => {}
  const isSlow = new Promise<void>((resolve) => (letGo = resolve))
  let calls = 0
  const slow = {
    ...store,
    mutate: async (...args: Parameters<typeof store.mutate>) => {
      if (++calls === 1) await isSlow
      return store.mutate(...args)
    },
  }
  const writes = createWriteService({ stores: [slow], policies: evaluator(teamRule) })
  const mutation: Mutation = { operation: 'update', id: 't1', fields: { title: 'x' } }
  const both = [1, 2].map(() => writes.write('Task', mutation, { principal: ann, mutationId: 'm1' }))
  store.rows.set('t1', { ...task('t1'), id: 't1', version: 2 })
  letGo()
  expect((await Promise.all(both)).map(({ replayed }) => replayed)).toEqual([false, true])
})

test('a rule that fails while a write is stored: it is acknowledged, without the row', async () => {
  const rules = evaluator(teamRule)
  const store = createMemoryStore(Task, [task('t1')])
  let isFailing = false
  const policies = {
    grant: (...asked: Parameters<typeof rules.grant>) => (isFailing ? 'unknown' : rules.grant(...asked)),
    get generation() {
      return rules.generation
    },
  } as const
  const slow = {
    ...store,
    async mutate(...args: Parameters<typeof store.mutate>) {
      const result = await store.mutate(...args)
      isFailing = true
      rules.outdate()
      return result
    },
  }
  const writes = createWriteService({ stores: [slow], policies })
  const mutation: Mutation = { operation: 'update', id: 't1', fields: { title: 'new' } }
  expect(await writes.write('Task', mutation, { principal: ann })).toMatchObject({
    row: null,
    visible: false,
  })
  await expect(writes.write('Task', mutation, { principal: ann })).rejects.toMatchObject({ code: 'busy' })
})

describe('what one connection asks of one row', () => {
  /** Each write is asked about, and the test answers. */
  function asking() {
    const answers: Deferred<User | null>[] = []
    const store = createMemoryStore(Task, [task('t1'), task('t2')])
    const policies = evaluator(async () => {
      const answer = createDeferred<User | null>()
      answers.push(answer)
      return teamRule(await answer.promise)
    })
    const service = createWriteService({ stores: [store], policies })
    const titles: unknown[] = []
    const rename = (id: string, title: string, context: Partial<WriteContext> = {}): Promise<unknown> =>
      service
        .write(
          'Task',
          { operation: 'update', id, fields: { title } },
          { principal: ann, arrival: 1, ...context },
        )
        .then(
          () => titles.push(title),
          (error: unknown) => titles.push((error as DnrError).code),
        )
    return { answers, policies, service, rename, titles }
  }

  test('is done in the order in which it was asked, though the rule answers in another; other rows do not wait', async () => {
    const { answers, rename, titles } = asking()
    const principalNow = (): never => {
      throw new DnrError('token_revoked', 'Signed out.')
    }
    const written = [
      rename('t1', 'first'),
      rename('t1', 'second'),
      rename('t1', 'refused at once', { principalNow }),
      rename('t1', 'third'),
      rename('t2', 'other'),
    ]
    await drainMicrotasks()
    const [first, second, third, other] = answers
    for (const answer of [other, third]) answer?.resolve(ann)
    second?.resolve(bob)
    await drainMicrotasks()
    expect(titles).toEqual(['token_revoked', 'other'])
    first?.resolve(ann)
    await Promise.all(written)
    expect(titles).toEqual(['token_revoked', 'other', 'first', 'not_found', 'third'])
  })

  test('begins with its creation, wherever that names the id', async () => {
    const { answers, service, rename, titles } = asking()
    const create: Mutation = { operation: 'create', fields: { id: 't3', title: 'made' } }
    const made = service.write('Task', create, { principal: ann, arrival: 1 })
    const renamed = rename('t3', 'renamed')
    await drainMicrotasks()
    answers[1]?.resolve(ann)
    await drainMicrotasks()
    answers[0]?.resolve(ann)
    await Promise.all([made, renamed])
    expect(titles).toEqual(['renamed'])
  })

  test('waits for nothing that others ask, over HTTP or another connection', async () => {
    const { answers, rename, titles } = asking()
    for (const arrival of [1, 2, undefined]) void rename('t1', `of ${arrival}`, { arrival })
    await drainMicrotasks()
    answers[1]?.resolve(ann)
    answers[2]?.resolve(ann)
    await drainMicrotasks()
    expect(titles).toEqual(['of 2', 'of undefined'])
  })

  test('is judged by the rights of the moment, also when it had to wait after its rule had answered', async () => {
    const { answers, policies, rename, titles } = asking()
    for (const title of ['first', 'second']) void rename('t1', title)
    await drainMicrotasks()
    answers[1]?.resolve(null)
    await drainMicrotasks()
    policies.outdate()
    answers[0]?.resolve(ann)
    await drainMicrotasks()
    answers[2]?.resolve(ann)
    await drainMicrotasks()
    answers[3]?.resolve(ann)
    await drainMicrotasks()
    expect(titles).toEqual(['first', 'second'])
  })

  test.each([
    ['with one mutation id', { mutationId: 'm1' }],
    ['without', {}],
  ])('is refused when hundreds wait, %s, and taken again once they are through', async (_, context) => {
    const { answers, rename, titles } = asking()
    const written = Array.from({ length: 257 }, () => rename('t1', 'same', context))
    await drainMicrotasks()
    expect(titles).toEqual(['busy'])
    while (titles.length < 257) {
      for (const answer of answers.splice(0)) answer.resolve(ann)
      await drainMicrotasks()
    }
    await Promise.all(written)
    void rename('t1', 'later', { ...context, arrival: 2, mutationId: 'm2' })
    await drainMicrotasks()
    answers[0]?.resolve(ann)
    await drainMicrotasks()
    expect([titles.filter((title) => title === 'same').length, titles.at(-1)]).toEqual([256, 'later'])
  })
})

test('a write that says nothing of when it came is not held to what was refused to others', async () => {
  let may = false
  const { refusal, write } = setting([task('t1')], (user) => (may ? teamRule(user) : null))
  const update: Mutation = { operation: 'update', id: 't1', fields: { title: 'x' } }
  expect((await refusal(update, { mutationId: 'm1', arrival: 2 })).code).toBe('not_found')
  may = true
  expect((await refusal(update, { mutationId: 'm1', arrival: 1 })).code).toBe('cancelled')
  expect((await write(update, { mutationId: 'm1' })).row).toMatchObject({ title: 'x' })
})
