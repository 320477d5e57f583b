// May this principal hear this channel? Says yes or no, and for entities with which grant; the no is always the same.
import type { Channel, Principal } from '@dnr/protocol'
import type { Grant } from '../policy/grant.ts'
import { type MaybePromise, whenReady } from '../policy/maybe-promise.ts'
import type { PolicyEvaluator } from '../policy/policy-evaluator.ts'

/** `null`: no. `unknown`: the rule threw or took too long. `grant`: for entities alone. */
export type Authorization = { readonly grant: Grant | null } | null | 'unknown'

export type AuthorizeChannel = (principal: Principal, channel: Channel) => MaybePromise<Authorization>

export function createAuthorizeChannel(policies: PolicyEvaluator): AuthorizeChannel {
  const heard = (verdict: MaybePromise<boolean | 'unknown'>): MaybePromise<Authorization> =>
    whenReady(verdict, (isHeard) => (isHeard === true ? { grant: null } : isHeard === false ? null : isHeard))

  return (principal, channel) => {
    switch (channel.kind) {
      case 'entity':
      case 'record':
        return whenReady(policies.grant(channel.entity, principal), (grant) =>
          grant === null || grant === 'unknown' ? grant : { grant },
        )
      case 'presence':
        return heard(policies.mayHear('presence', principal, channel.resource))
      case 'room':
        return heard(policies.mayHear('room', principal, channel.room))
      case 'user':
        return heard(policies.mayHear('user', principal, channel.userId))
    }
  }
}
