// Who acts, while what they asked for is under way: their session may be renewed, or end. Used by message-router.ts.
import { CLOSE_CODES, type Principal } from '@dnr/protocol'
import type { PolicyEvaluator } from '../policy/policy-evaluator.ts'
import { refusedError, type Watch } from './authenticate.ts'
import { type Connection, principalOf } from './connection.ts'

export interface Session {
  /** @throws DnrError when it is over. */
  readonly principalNow: () => Principal
  /** Is it still the one that `principalNow` gave last, with the rights of then? */
  readonly isCurrent: () => boolean
}

/** Closes after which nobody acts for the user; after any other their session goes on. */
const SESSION_ENDS: ReadonlySet<number> = new Set([CLOSE_CODES.unauthorized, CLOSE_CODES.forbidden])

/**
 * Who somebody that has asked over a connection is now, for as long as their session lasts: renewed it may say other things of
 * them. What was said before the socket was lost counts; what was said before the session was ended does not.
 */
export function followSession(
  connection: Connection,
  asked: Principal,
  watch: Watch,
  policies: Pick<PolicyEvaluator, 'generation'>,
): Session {
  let latest = asked
  let { generation } = policies
  return {
    principalNow() {
      latest = principalOf(connection) ?? latest
      generation = policies.generation
      const refused = watch.refusalOf(latest)
      if (refused !== null) throw refusedError(refused)
      const { state } = connection
      const isClosed = state.status === 'closing' || state.status === 'closed'
      if (isClosed && SESSION_ENDS.has(state.code)) throw refusedError({ code: state.code, reason: '' })
      return latest
    },
    isCurrent: () => principalOf(connection) === latest && policies.generation === generation,
  }
}
