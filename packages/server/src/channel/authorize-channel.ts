// May this principal hear this channel? Says yes or no, and for entities with which grant; the no is always the same.
import { type Channel, type Clock, type Logger, type Principal } from '@dnr/protocol'
import type { Grant } from '../policy/grant.ts'
import { type MaybePromise, whenReady } from '../policy/maybe-promise.ts'
import { type PolicyEvaluator, withTimeout } from '../policy/policy-evaluator.ts'

/** Who may hear channels that have no rows. Absent is no; one that throws or is too slow is asked again later. */
export interface ChannelRules<P extends Principal = Principal> {
  /** @default nobody */
  readonly presence?: (user: P, resource: string) => boolean | Promise<boolean>
  /** Also asked before a `message` of somebody who has not subscribed to the room. @default nobody */
  readonly room?: (user: P, name: string) => boolean | Promise<boolean>
  /** @default only the user whose id it is; this rule can refuse them too */
  readonly user?: (user: P, userId: string) => boolean | Promise<boolean>
}

/** `null`: no. `unknown`: the rule threw or took too long. `grant`: for entities alone. */
export type Authorization = { readonly grant: Grant | null } | null | 'unknown'

export type AuthorizeChannel = (principal: Principal, channel: Channel) => MaybePromise<Authorization>

export interface AuthorizeOptions {
  readonly policies: PolicyEvaluator
  readonly rules: ChannelRules
  readonly clock: Clock
  readonly logger: Logger
  readonly timeoutMs: number
}

const GRANTED: Authorization = { grant: null }

export function createAuthorizeChannel({
  policies,
  rules,
  clock,
  logger,
  timeoutMs,
}: AuthorizeOptions): AuthorizeChannel {
  const failed = (error: unknown, kind: string): 'unknown' => {
    logger.error(`The rule for ${kind} channels failed: access is denied.`, { error })
    return 'unknown'
  }
  const ask = (
    kind: string,
    rule: () => boolean | Promise<boolean> | undefined,
  ): MaybePromise<Authorization> => {
    try {
      const answer = rule()
      if (!(answer instanceof Promise)) return answer === true ? GRANTED : null
      return withTimeout(answer, timeoutMs, clock).then(
        (isAllowed: unknown) => (isAllowed === true ? GRANTED : null),
        (error: unknown) => failed(error, kind),
      )
    } catch (error) {
      return failed(error, kind)
    }
  }

  return (principal, channel) => {
    switch (channel.kind) {
      case 'entity':
      case 'record':
        return whenReady(policies.grant(channel.entity, principal), (grant) =>
          grant === null || grant === 'unknown' ? grant : { grant },
        )
      case 'presence':
        return ask('presence', () => rules.presence?.(principal, channel.resource))
      case 'room':
        return ask('room', () => rules.room?.(principal, channel.room))
      case 'user':
        if (channel.userId !== principal.id) return null
        return ask('user', () => (rules.user === undefined ? true : rules.user(principal, channel.userId)))
    }
  }
}
