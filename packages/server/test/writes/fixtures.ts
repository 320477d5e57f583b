import { defineEntity, type Principal, silentLogger } from '@dnr/protocol'
import { createManualClock } from '@dnr/testing'
import { z } from 'zod'
import { policies } from '../../src/policy/policies.ts'
import { createPolicyEvaluator, type PolicyEvaluator } from '../../src/policy/policy-evaluator.ts'
import { allow, type Rule } from '../../src/policy/rule.ts'

export interface User extends Principal {
  readonly team: string
}

export const ann: User = { id: 'ann', team: 'red' }
export const bob: User = { id: 'bob', team: 'blue' }

export const Task = defineEntity(
  'Task',
  z.object({
    id: z.string(),
    title: z.string().min(1),
    team: z.string().default('red'),
    rank: z.number().default(0),
    salary: z.number().default(0),
    due: z.date().nullable().default(null),
    views: z.bigint().default(0n),
  }),
)

export interface TaskRow {
  readonly id: string
  readonly version: number
  readonly title: string
  readonly team: string
  readonly rank: number
  readonly salary: number
  readonly due: Date | null
  readonly views: bigint
}

/** A row as a store holds it. */
export function task(id: string, fields: Partial<TaskRow> = {}): Record<string, unknown> {
  return { id, title: `Task ${id}`, team: 'red', rank: 0, salary: 0, due: null, views: 0n, ...fields }
}

/** Everybody sees and writes the tasks of their team, and may hand them over. */
export function teamRule(user: User | null): Rule<TaskRow> {
  return (
    user && {
      key: user.team,
      sees: (row) => row.team === user.team,
      create: true,
      update: true,
      delete: true,
    }
  )
}

export function evaluator(
  rule: (user: User | null) => Rule<TaskRow> | Promise<Rule<TaskRow>>,
): PolicyEvaluator {
  const rules = policies(allow(Task, rule as never))
  return createPolicyEvaluator(rules as never, {
    clock: createManualClock(),
    logger: silentLogger,
    timeoutMs: 1_000,
  })
}
