// Asks the rules: who gets which grant. Holds the count of failed rules and no grant. Next: policy/grant.ts.
import { type Clock, type Logger, type Principal, silentLogger } from '@dnr/protocol'
import type { ChannelKind } from './channel-rule.ts'
import { createGrant, type Grant } from './grant.ts'
import type { MaybePromise } from './maybe-promise.ts'
import type { Policies } from './policies.ts'
import { createPrincipalKey } from './principal-key.ts'

/** The policies of a running server. */
export interface PolicyEvaluator {
  /**
   * What `principal` may do with rows of the entity named so; `null` for nothing, and for an entity without a rule. At
   * once when the rule answers at once. Never throws or rejects: a rule that throws or takes too long denies.
   */
  grant(entityName: string, principal: Principal | null): MaybePromise<Grant | null>
  /**
   * May `principal` hear the channel of this kind and name? Without a rule: a user their own. At once when the rule answers
   * at once. Never throws or rejects: a rule that throws, takes too long or answers no boolean denies.
   */
  mayHear(kind: ChannelKind, principal: Principal, name: string): MaybePromise<boolean>
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
      `The policy of ${where} failed: access is denied. Later failures are logged at level debug.`,
      { error, failures },
    )
  }

  /** The one place that runs a rule; whatever goes wrong, in it or in reading its answer, is reported and `denied`. */
  const ask = <Answer, Verdict>(
    rule: () => MaybePromise<Answer>,
    read: (answer: Answer) => Verdict,
    denied: Verdict,
    where: string,
  ): MaybePromise<Verdict> => {
    const fail = (error: unknown): Verdict => {
      report(error, where)
      return denied
    }
    try {
      const answer = rule()
      if (!(answer instanceof Promise)) return read(answer)
      return withTimeout(answer, timeoutMs, clock).then(read).catch(fail)
    } catch (error) {
      return fail(error)
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
        (answer): Grant | null => createGrant(entity, answer, ownKey, report),
        null,
        entityName,
      )
    },
    mayHear(kind, principal, name) {
      if (kind === 'user' && name !== principal.id) return false
      const allowance = policies.allowancesByChannelKind.get(kind)
      if (allowance === undefined) return kind === 'user'
      return ask(() => allowance.rule(principal as P, name), readVerdict, false, `${kind} channels`)
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

function readVerdict(answer: unknown): boolean {
  if (typeof answer === 'boolean') return answer
  throw new TypeError(`The rule answered ${typeof answer}: expected true or false.`)
}

/** Settles as `promise` does, or rejects after `timeoutMs`. */
export function withTimeout<T>(promise: Promise<T>, timeoutMs: number, clock: Clock): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
    void promise.then(resolve, reject).finally(cancel)
  })
}
