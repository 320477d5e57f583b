// Asks the rules: who gets which grant. Holds the count of failed rules and no grant. Next: policy/grant.ts.
import { type Clock, type Logger, type Principal, silentLogger } from '@dnr/protocol'
import { createGrant, type Grant } from './grant.ts'
import type { MaybePromise } from './maybe-promise.ts'
import type { Policies } from './policies.ts'
import { createPrincipalKey } from './principal-key.ts'

/** What a rule gives somebody; `null`: nothing. `unknown`: it threw, rejected or took too long, which may pass. */
export type Ruling = Grant | null | 'unknown'

/** The policies of a running server. */
export interface PolicyEvaluator {
  /**
   * What `principal` may do with rows of the entity named so; `null` also for an entity without a rule, and for an answer
   * that is none. At once when the rule answers at once. Never throws or rejects.
   */
  grant(entityName: string, principal: Principal | null): MaybePromise<Ruling>
  /** How often a rule threw, took too long or answered nonsense. */
  readonly failures: number
  /** Counts changes of rights: a grant that was given under another number may not be what the rules say today. */
  readonly generation: number
  /** Grants that were given until now are of before. */
  outdate(): void
}

export interface PolicyEvaluatorOptions {
  readonly clock: Clock
  readonly logger?: Logger
  /** How long a rule that answers with a promise may take. */
  readonly timeoutMs: number
}

/** Makes the policies ready to be asked. */
export function createPolicyEvaluator<P extends Principal>(
  policies: Policies<P>,
  options: PolicyEvaluatorOptions,
): PolicyEvaluator {
  const { clock, logger = silentLogger, timeoutMs } = options
  const principalKey = createPrincipalKey()
  let failures = 0
  let generation = 0

  const report = (error: unknown, where: string): void => {
    failures++
    // A rule that always throws would fill the log with one line per row: the first says all, the rest is for those who look.
    const log = failures === 1 ? logger.error : logger.debug
    log.call(
      logger,
      `The policy of ${where} failed: access is denied. Later failures are logged at level debug.`,
      { error, failures },
    )
  }

  return {
    grant(entityName, principal) {
      const allowance = policies.allowancesByEntity.get(entityName)
      if (allowance === undefined) return null
      const ownKey = principalKey(principal)
      const failed = (error: unknown): 'unknown' => {
        report(error, entityName)
        return 'unknown'
      }
      const grantOf = (rule: Awaited<ReturnType<typeof allowance.rule>>): Ruling =>
        createGrant(allowance.entity, rule, ownKey, report)
      try {
        const rule = allowance.rule(principal as P | null)
        if (!(rule instanceof Promise)) return grantOf(rule)
        return withTimeout(rule, timeoutMs, clock).then(grantOf).catch(failed)
      } catch (error) {
        return failed(error)
      }
    },
    get failures() {
      return failures
    },
    get generation() {
      return generation
    },
    outdate() {
      generation++
    },
  }
}

/** Settles as `promise` does, or rejects after `timeoutMs`. */
export function withTimeout<T>(promise: Promise<T>, timeoutMs: number, clock: Clock): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
    void promise.then(resolve, reject).finally(cancel)
  })
}
