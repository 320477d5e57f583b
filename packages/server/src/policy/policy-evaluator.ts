// Asks the rules: who gets which grant. Holds the count of failed rules and no grant. Next: policy/grant.ts.
import { createPrincipalKey } from '@dnr/internal'
import { type Clock, type Logger, type Principal, silentLogger } from '@dnr/protocol'
import type { ChannelKind } from './channel-rule.ts'
import { createGrant, type Grant } from './grant.ts'
import type { MaybePromise } from './maybe-promise.ts'
import type { Policies } from './policies.ts'

/** What a rule gives somebody; `null`: nothing. `unknown`: it threw, rejected or took too long, which may pass. */
export type Ruling = Grant | null | 'unknown'

/** The policies of a running server. */
export interface PolicyEvaluator {
  /**
   * What `principal` may do with rows of the entity named so; `null` also for an entity without a rule, and for an answer
   * that is none. At once when the rule answers at once. Never throws or rejects.
   */
  grant(entityName: string, principal: Principal | null): MaybePromise<Ruling>
  /**
   * May `principal` hear the channel of this kind and name? Without a rule: a user their own. An answer that is no boolean is
   * a no. At once when the rule answers at once. Never throws or rejects.
   */
  mayHear(kind: ChannelKind, principal: Principal, name: string): MaybePromise<boolean | 'unknown'>
  /** How often a rule threw, took too long, or answered what is no answer. */
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
      `The policy of ${where} failed: nothing is shown by it until it answers. Later failures are logged at level debug.`,
      { error, failures },
    )
  }

  /** The one place that runs a rule. Whatever goes wrong, in it or in reading its answer, is reported and `unknown`. */
  const ask = <Answer, Verdict>(
    rule: () => MaybePromise<Answer>,
    read: (answer: Answer) => Verdict,
    where: string,
  ): MaybePromise<Verdict | 'unknown'> => {
    const failed = (error: unknown): 'unknown' => {
      report(error, where)
      return 'unknown'
    }
    try {
      const answer = rule()
      if (!(answer instanceof Promise)) return read(answer)
      return withTimeout(answer, timeoutMs, clock).then(read).catch(failed)
    } catch (error) {
      return failed(error)
    }
  }

  return {
    grant(entityName, principal) {
      const allowance = policies.allowancesByEntity.get(entityName)
      if (allowance === undefined) return null
      const { entity, rule } = allowance
      const ownKey = principalKey(principal)
      return ask(
        () => rule(principal as P | null),
        (answer) => createGrant(entity, answer, ownKey, report),
        entityName,
      )
    },
    mayHear(kind, principal, name) {
      if (kind === 'user' && name !== principal.id) return false
      const allowance = policies.allowancesByChannelKind.get(kind)
      if (allowance === undefined) return kind === 'user'
      const where = `${kind} channels`
      const isYes = (answer: unknown): boolean => {
        if (typeof answer !== 'boolean') report(new TypeError('It is neither true nor false.'), where)
        return answer === true
      }
      return ask(() => allowance.rule(principal as P, name), isYes, where)
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
