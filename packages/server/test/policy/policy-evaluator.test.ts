import { createManualClock } from '@dnr/testing'
import { expect, test } from 'vitest'
import { policies } from '../../src/policy/policies.ts'
import type { Grant } from '../../src/policy/grant.ts'
import {
  createPolicyEvaluator,
  type PolicyEvaluator,
  type Ruling,
} from '../../src/policy/policy-evaluator.ts'
import { allow, type RuleOrPromise } from '../../src/policy/rule.ts'
import { Task, type TaskRow, type User } from '../support/entities.ts'

const ann: User = { id: 'ann', team: 'red' }
const row = (fields: Partial<TaskRow> = {}): TaskRow => ({
  id: 't1',
  version: 1,
  title: 'x',
  team: 'red',
  secret: 's',
  due: null,
  ...fields,
})

function grantOf(ruling: Ruling): Grant {
  if (ruling === null || ruling === 'unknown') throw new Error('There is no grant.')
  return ruling
}

function evaluator(rule: (user: User | null) => RuleOrPromise<TaskRow>): {
  policy: PolicyEvaluator
  errors: string[]
  clock: ReturnType<typeof createManualClock>
} {
  const errors: string[] = []
  const clock = createManualClock()
  const logger = { error: (message: string) => void errors.push(message), info: () => {}, debug: () => {} }
  return {
    policy: createPolicyEvaluator(policies(allow(Task, rule)), { clock, timeoutMs: 1_000, logger }),
    errors,
    clock,
  }
}

test.each([[false], [null], [undefined]])('%s is no grant', async (answer) => {
  expect(await evaluator(() => answer).policy.grant('Task', ann)).toBeNull()
})

test('an entity without a rule is denied', async () => {
  expect(await evaluator(() => true).policy.grant('Other', ann)).toBeNull()
  expect(await evaluator(() => true).policy.grant('__proto__', ann)).toBeNull()
})

test('true sees and writes everything, with one key for everybody', async () => {
  const { policy } = evaluator(() => true)
  const grant = grantOf(await policy.grant('Task', ann))
  expect(grant.sees(row())).toBe(true)
  expect(grant.writable('delete', row(), null)).toBe(true)
  expect(grantOf(await policy.grant('Task', { id: 'bob' })).key).toBe(grant.key)
})

test('a rule without a key is shared by nobody but the principal', async () => {
  const { policy } = evaluator(() => ({ sees: () => true }))
  const keys = [
    await policy.grant('Task', ann),
    await policy.grant('Task', { id: 'bob' }),
    await policy.grant('Task', null),
  ]
  expect(new Set(keys.map((ruling) => grantOf(ruling).key)).size).toBe(3)
})

test('no choice of key is taken for another kind of key', async () => {
  const keyed = await evaluator(() => ({ key: '*', sees: () => true })).policy.grant('Task', ann)
  const own = await evaluator(() => ({ sees: () => true })).policy.grant('Task', { id: '*' })
  const all = await evaluator(() => true).policy.grant('Task', ann)
  expect(new Set([keyed, own, all].map((ruling) => grantOf(ruling).key)).size).toBe(3)
})

test('fields hides the others and keeps id and version', async () => {
  const grant = grantOf(
    await evaluator(() => ({ sees: () => true, fields: ['title'] })).policy.grant('Task', ann),
  )
  expect(grant.redact({ ...row(), due: null })).toEqual({ id: 't1', version: 1, title: 'x' })
  expect([...grant.readable].sort()).toEqual(['id', 'title', 'version'])
})

test('what a rule does not say about writing is no', async () => {
  const grant = grantOf(
    await evaluator(() => ({
      sees: () => true,
      update: (before, after) => before.team === after.team && ['title'],
    })).policy.grant('Task', ann),
  )
  expect(grant.writable('create', null, row())).toBe(false)
  expect(grant.writable('delete', row(), null)).toBe(false)
  expect(grant.writable('update', row(), row({ team: 'blue' }))).toBe(false)
  expect(grant.writable('update', row(), row({ title: 'y' }))).toEqual(new Set(['title']))
})

test('only true is a yes: a truthy answer is none', async () => {
  const grant = grantOf(
    await evaluator(() => ({
      sees: () => 1 as unknown as boolean,
      delete: 'yes' as unknown as boolean,
    })).policy.grant('Task', ann),
  )
  expect(grant.sees(row())).toBe(false)
  expect(grant.writable('delete', row(), null)).toBe(false)
})

test('a rule that throws about a row hides it, does not let it be written, is counted, and is said once aloud', async () => {
  const { policy, errors } = evaluator(() => ({
    sees: () => {
      throw new Error('boom')
    },
    create: () => {
      throw new Error('boom')
    },
  }))
  const grant = grantOf(await policy.grant('Task', ann))
  expect(grant.judge(row())).toBe('unknown')
  expect(grant.sees(row())).toBe(false)
  expect(grant.writable('create', null, row())).toBe(false)
  expect(policy.failures).toBe(3)
  expect(errors).toHaveLength(1)
})

test.each([
  ['a string', 'everything'],
  ['an object without sees', { key: 'red' }],
  ['a number', 1],
])(
  'a rule that answers %s gives nothing, and is counted: waiting does not mend it',
  async (_what, answer) => {
    const { policy, errors } = evaluator(() => answer as unknown as boolean)
    expect(await policy.grant('Task', ann)).toBeNull()
    expect(policy.failures).toBe(1)
    expect(errors).toHaveLength(1)
  },
)

test('a rule about rows that answers with a promise hides them, is counted, and its rejection is nobody’s', async () => {
  const rejections: unknown[] = []
  const onRejection = (error: unknown): void => void rejections.push(error)
  process.on('unhandledRejection', onRejection)
  const { policy } = evaluator(() => ({
    sees: () => Promise.reject(new Error('boom')) as unknown as boolean,
  }))
  expect(grantOf(await policy.grant('Task', ann)).judge(row())).toBe(false)
  expect(policy.failures).toBe(1)
  await new Promise((resolve) => setImmediate(resolve))
  process.off('unhandledRejection', onRejection)
  expect(rejections).toEqual([])
})

test('a rule about writing that answers with a promise is a no, is counted, and its rejection is nobody’s', async () => {
  const update = (() => Promise.reject(new Error('boom'))) as never
  const { policy, errors } = evaluator(() => ({ sees: () => true, update }))
  const grant = (await policy.grant('Task', ann)) as Grant
  expect(grant.writable('update', {}, {})).toBe(false)
  expect(policy.failures).toBe(1)
  expect(errors).toHaveLength(1)
})

test('fields that are no list show nothing: they do not stand for all', async () => {
  const { policy } = evaluator(() => ({ sees: () => true, fields: null as never }))
  expect(await policy.grant('Task', ann)).toBeNull()
  expect(policy.failures).toBe(1)
})

test('a rule function that throws or rejects leaves unknown what somebody may do', async () => {
  const throwing = evaluator(() => {
    throw new Error('boom')
  })
  expect(await throwing.policy.grant('Task', ann)).toBe('unknown')
  const rejecting = evaluator(() => Promise.reject(new Error('boom')))
  expect(await rejecting.policy.grant('Task', ann)).toBe('unknown')
  expect([throwing.policy.failures, rejecting.policy.failures]).toEqual([1, 1])
})

test('a rule that takes too long leaves it unknown, and its late answer changes nothing', async () => {
  const { policy, clock } = evaluator(
    () => new Promise((resolve) => void clock.setTimeout(() => resolve(true), 5_000)),
  )
  const grant = policy.grant('Task', ann)
  await clock.advance(1_000)
  expect(await grant).toBe('unknown')
  await clock.advance(5_000)
  expect(policy.failures).toBe(1)
})

test('two rules for one entity are refused', () => {
  expect(() =>
    policies(
      allow(Task, () => true),
      allow(Task, () => false),
    ),
  ).toThrowError('policies: Task has two rules.')
})

test('sessions of one user share a rule without a key while they are alike', async () => {
  const { policy } = evaluator(() => ({ sees: () => true }))
  const keyOf = async (user: User & { readonly expiresAt?: number }): Promise<string | undefined> =>
    grantOf(await policy.grant('Task', user)).key
  expect(await keyOf({ ...ann, expiresAt: 5 })).toBe(await keyOf({ ...ann, expiresAt: 6 }))
  expect(await keyOf({ ...ann, team: 'blue' })).not.toBe(await keyOf(ann))
  const loop = { ...ann, self: {} }
  loop.self = loop
  expect(await keyOf(loop)).not.toBe(await keyOf({ ...loop }))
})
