// The grant of today. Rights that change while a rule is asked, or while a store reads, are asked for again: what was decided by
// those of before is not told.
import type { Principal } from '@dnr/protocol'
import type { Grant } from '../policy/grant.ts'
import type { PolicyEvaluator, Ruling } from '../policy/policy-evaluator.ts'
import { changingRights, MAX_ASKS, unknownRights } from '../policy/unknown-rights.ts'

/** Policies that can be asked, and say whether an answer is one of before. */
export type AskedPolicies = Pick<PolicyEvaluator, 'grant' | 'generation'>

/** Who acts, now: a session may be renewed with other rights. @throws DnrError when it is over. */
export type PrincipalNow = () => Principal

/** A grant, whose it is, and whether rights are still those that it was given under. */
export interface Current {
  readonly grant: Ruling
  readonly principal: Principal
  isCurrent(): boolean
}

/**
 * The grant of today, also when rights change while the rule is asked.
 *
 * @throws DnrError `busy` if they always do; whatever `principalNow` throws.
 */
export async function currentGrant(
  entityName: string,
  principalNow: PrincipalNow,
  policies: AskedPolicies,
): Promise<Current> {
  for (let asks = 0; asks < MAX_ASKS; asks++) {
    const principal = principalNow()
    const { generation } = policies
    const isCurrent = (): boolean => policies.generation === generation
    const grant = await policies.grant(entityName, principal)
    if (isCurrent()) return { grant, principal, isCurrent }
  }
  throw changingRights()
}

/**
 * What `read` answers under the grant of today: it is asked again when rights changed meanwhile, whether it failed or not.
 *
 * @throws DnrError `busy` if they always do, or if the rule fails; whatever `read` and `principalNow` throw.
 */
export async function readUnderGrant<Answer>(
  entityName: string,
  principalNow: PrincipalNow,
  policies: AskedPolicies,
  read: (grant: Grant | null) => Promise<Answer>,
): Promise<Answer> {
  for (let asks = 0; asks < MAX_ASKS; asks++) {
    const { grant, isCurrent } = await currentGrant(entityName, principalNow, policies)
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
