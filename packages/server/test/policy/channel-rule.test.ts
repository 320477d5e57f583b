import { createManualClock, type ManualClock } from '@dnr/testing'
import { expect, test } from 'vitest'
import { allowChannel } from '../../src/policy/channel-rule.ts'
import { policies, type Policies } from '../../src/policy/policies.ts'
import { createPolicyEvaluator, type PolicyEvaluator } from '../../src/policy/policy-evaluator.ts'
import { allow } from '../../src/policy/rule.ts'
import { Task, type User } from '../support/entities.ts'

const ann: User = { id: 'ann', team: 'red' }
const TIMEOUT_MS = 1_000

function evaluator(rules: Policies<User>): {
  policy: PolicyEvaluator
  errors: string[]
  clock: ManualClock
} {
  const errors: string[] = []
  const clock = createManualClock()
  const logger = { error: (message: string) => void errors.push(message), info: () => {}, debug: () => {} }
  return { policy: createPolicyEvaluator(rules, { clock, timeoutMs: TIMEOUT_MS, logger }), errors, clock }
}

test('without a rule nobody hears presence and rooms, and a user their own channel alone', async () => {
  const { policy } = evaluator(policies())
  expect(await policy.mayHear('presence', ann, 'board/red')).toBe(false)
  expect(await policy.mayHear('room', ann, 'red')).toBe(false)
  expect(await policy.mayHear('user', ann, 'ann')).toBe(true)
  expect(await policy.mayHear('user', ann, 'bob')).toBe(false)
})

test('each kind is asked by its own rule, with the name that stands after the kind', async () => {
  const { policy } = evaluator(
    policies(
      allowChannel('presence', (user: User, resource) => resource === `board/${user.team}`),
      allowChannel('room', async (user: User, name) => name === user.team),
    ),
  )
  expect(await policy.mayHear('presence', ann, 'board/red')).toBe(true)
  expect(await policy.mayHear('presence', ann, 'board/blue')).toBe(false)
  expect(await policy.mayHear('room', ann, 'red')).toBe(true)
  expect(await policy.mayHear('room', ann, 'board/red')).toBe(false)
})

test('a rule for user channels refuses a user their own, and lets nobody else in', async () => {
  const asked: string[] = []
  const { policy } = evaluator(
    policies(
      allowChannel('user', (user: User, userId) => {
        asked.push(userId)
        return user.team === 'red'
      }),
    ),
  )
  expect(await policy.mayHear('user', ann, 'ann')).toBe(true)
  expect(await policy.mayHear('user', { id: 'bob', team: 'blue' } as User, 'bob')).toBe(false)
  expect(await policy.mayHear('user', ann, 'bob')).toBe(false)
  expect(asked).toEqual(['ann', 'bob'])
})

/** Who failed may be asked again; who answered nonsense has answered. */
const failing: readonly (readonly [string, false | 'unknown', () => boolean | Promise<boolean>])[] = [
  [
    'throws',
    'unknown',
    () => {
      throw new Error('boom')
    },
  ],
  ['rejects', 'unknown', () => Promise.reject(new Error('boom'))],
  ['answers too late', 'unknown', () => new Promise<boolean>(() => {})],
  ['answers a text', false, () => 'yes' as unknown as boolean],
  ['answers nothing', false, () => undefined as unknown as boolean],
  ['answers a number, later', false, () => Promise.resolve(1 as unknown as boolean)],
]

for (const [what, verdict, rule] of failing) {
  test(`a rule for channels that ${what} lets nobody in, is counted with the rules for rows, and is said once aloud`, async () => {
    const { policy, errors, clock } = evaluator(
      policies(
        allow(Task, () => {
          throw new Error('boom')
        }),
        allowChannel('room', rule),
      ),
    )
    const answer = Promise.resolve(policy.mayHear('room', ann, 'red'))
    await clock.advance(TIMEOUT_MS)
    expect(await answer).toBe(verdict)
    expect(errors).toEqual([
      'The policy of room channels failed: nothing is shown by it until it answers. Later failures are logged at level debug.',
    ])
    expect(policy.failures).toBe(1)
    expect(await policy.grant('Task', ann)).toBe('unknown')
    expect(policy.failures).toBe(2)
    expect(errors).toHaveLength(1)
  })
}

test('a rule that answers at once is not waited for', () => {
  const { policy } = evaluator(policies(allowChannel('room', () => true)))
  expect(policy.mayHear('room', ann, 'red')).toBe(true)
})

test('two rules for one kind of channel are refused', () => {
  expect(() =>
    policies(
      allowChannel('room', () => true),
      allowChannel('presence', () => true),
      allowChannel('room', () => false),
    ),
  ).toThrowError("policies: room has two rules. Give it one allowChannel('room', …).")
})

test.each([['rooms'], ['entity'], ['constructor']])('%s is no kind of channel that takes a rule', (kind) => {
  expect(() => allowChannel(kind as 'room', () => true)).toThrowError(
    `allowChannel got the kind "${kind}": expected presence, room or user.`,
  )
})
