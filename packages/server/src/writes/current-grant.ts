// The grant of today. Rights that change while a rule is asked, or while a store reads, are asked for again: what was decided by
// those of before is not told.
import type { Principal } from '@dnr/protocol'
import type { Grant } from '../policy/grant.ts'
import type { PolicyEvaluator, Ruling } from '../policy/policy-evaluator.ts'
import { changingRights, MAX_ASKS, unknownRights } from '../policy/unknown-rights.ts'

/** Policies that can be asked, and say whether an answer is one of before. */
export type AskedPolicies = Pick<PolicyEvaluator, 'grant' | 'generation'>

/** A grant, and whether rights are still those that it was given under. */
export interface Current {
  readonly grant: Ruling
  isCurrent(): boolean
}

/** The grant of today, also when rights change while the rule is asked. @throws DnrError `busy` if they always do. */
export async function currentGrant(
  entityName: string,
  principal: Principal,
  policies: AskedPolicies,
): Promise<Current> {
  for (let asks = 0; asks < MAX_ASKS; asks++) {
    const { generation } = policies
    const isCurrent = (): boolean => policies.generation === generation
    const grant = await policies.grant(entityName, principal)
    if (isCurrent()) return { grant, isCurrent }
  }
  throw changingRights()
}

/**
 * What `read` answers under the grant of today: it is asked again when rights changed meanwhile, whether it failed or not.
 *
 * @throws DnrError `busy` if they always do, or if the rule fails; whatever `read` throws.
 */
export async function readUnderGrant<Answer>(
  entityName: string,
  principal: Principal,
  policies: AskedPolicies,
  read: (grant: Grant | null) => Promise<Answer>,
): Promise<Answer> {
  for (let asks = 0; asks < MAX_ASKS; asks++) {
    const { grant, isCurrent } = await currentGrant(entityName, principal, policies)
    if (grant === 'unknown') throw unknownRights()
    try {
      const answer = await read(grant)
      if (isCurrent()) return answer
    } catch (error) {
      if (isCurrent()) throw error
    }
  }
  throw changingRights()
}
