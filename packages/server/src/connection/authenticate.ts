// From a token to a principal, or to a close. Tokens are handed on and kept nowhere.
import { CLOSE_CODES, type Clock, DnrError, type ErrorCode, type Logger, type Principal } from '@dnr/protocol'
import type { MaybePromise } from '../policy/maybe-promise.ts'

/** What there is to tell who somebody is. */
export interface Credentials {
  /**
   * The first that is not empty of: second subprotocol `bearer.TOKEN`, `?token=`, `Authorization: Bearer`; or that of an
   * `auth` message; over HTTP `Authorization: Bearer` alone. At most 4,096 characters.
   */
  readonly token: string | null
  /** Path and query, without the token. Empty for an `auth` message, as are headers and cookies. */
  readonly url: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Empty when the request came from a page whose Origin is not trusted. */
  readonly cookies: ReadonlyMap<string, string>
  readonly remoteAddress: string
}

/**
 * Says who it is; `null` is a guest. Asked when there is a token or a cookie, at most once at a time for a connection.
 *
 * Throw `DnrError('unauthorized', …)`, `'token_expired'` or `'token_revoked'` for a token that is not good: the connection is
 * closed with 4401; after the last the client does not try to get a new one. Anything else thrown is a fault of the server:
 * 4500, and it is logged without what it says.
 */
export type Authenticate<P extends Principal = Principal> = (
  credentials: Credentials,
) => P | null | Promise<P | null>

export type AuthenticationResult = { readonly ok: true; readonly principal: Principal | null } | Refused

/** How somebody is turned away: a close code with its reason. */
export interface Refused {
  readonly ok: false
  readonly code: number
  readonly reason: string
}

/** Finds out who somebody is, for sockets and HTTP alike. */
export interface Authenticator {
  /** Asks `authenticate`, and turns whatever it does into a result. Never throws or rejects. */
  run(credentials: Credentials): MaybePromise<AuthenticationResult>
  /** Notes from now on who is signed out: to begin before `run`, or before anything else that takes its time for somebody. */
  watch(): Watch
  /** Refuses what is under way now and turns out to be this user's. */
  revoke(userId: string, code: number, reason: string): void
}

/** Looks after something that is under way in somebody's name. It is kept until it ends: end each. */
export interface Watch {
  /**
   * Why this principal may go on no more: signed out since the watch began, or the session is over. `null`: they may, as may
   * guests. True of this moment: to ask where it matters, with nothing awaited in between.
   */
  refusalOf(principal: Principal | null): Refused | null
  /** It is done. Harmless when it has ended. */
  end(): void
}

export interface AuthenticatorOptions {
  /** `null`: every token is refused, and whoever has none is a guest. */
  readonly authenticate: Authenticate | null
  readonly clock: Pick<Clock, 'now'>
  readonly logger: Logger
}

/** Who was signed out while something was under way. */
type SignedOut = Map<string, Refused>

export const MAX_TOKEN_CHARACTERS = 4_096

export function createAuthenticator({ authenticate, clock, logger }: AuthenticatorOptions): Authenticator {
  const watching = new Set<SignedOut>()

  const failed = (error: unknown): Refused => {
    if (error instanceof DnrError && BAD_TOKEN.has(error.code)) return refusedAs(error.code)
    const what =
      'authenticate failed: nobody is let in. For a bad token let it throw a DnrError "unauthorized".'
    logger.error(what, { error })
    return BROKEN
  }
  const judge = (answer: Principal | null | undefined, token: string | null): AuthenticationResult => {
    const principal = answer ?? null
    // A token that is nobody's is a bad token, never a guest's.
    if (principal === null) return token === null ? GUEST : refusedAs('unauthorized')
    const flaw = flawOf(principal)
    if (flaw !== null) {
      logger.error(`authenticate answered a principal with ${flaw}: nobody is let in.`)
      return BROKEN
    }
    return isExpired(principal, clock.now()) ? refusedAs('token_expired') : { ok: true, principal }
  }

  return {
    run(credentials) {
      const { token, headers } = credentials
      if (token === null && (authenticate === null || !headers['cookie'])) return GUEST
      if (authenticate === null || (token !== null && token.length > MAX_TOKEN_CHARACTERS))
        return refusedAs('unauthorized')
      try {
        const answer = authenticate(credentials)
        if (!(answer instanceof Promise)) return judge(answer, token)
        return answer.then((principal) => judge(principal, token)).catch(failed)
      } catch (error) {
        return failed(error)
      }
    },
    watch() {
      const signedOut: SignedOut = new Map()
      watching.add(signedOut)
      return {
        refusalOf(principal) {
          if (principal === null) return null
          const expired = isExpired(principal, clock.now()) ? refusedAs('token_expired') : null
          return signedOut.get(principal.id) ?? expired
        },
        end: () => void watching.delete(signedOut),
      }
    },
    revoke(userId, code, reason) {
      for (const signedOut of watching) signedOut.set(userId, { ok: false, code, reason })
    },
  }
}

const GUEST: AuthenticationResult = { ok: true, principal: null }
const BROKEN: Refused = { ok: false, code: CLOSE_CODES.internal, reason: 'internal' }
const BAD_TOKEN: ReadonlySet<ErrorCode> = new Set(['unauthorized', 'token_expired', 'token_revoked'])

function refusedAs(reason: ErrorCode): Refused {
  return { ok: false, code: CLOSE_CODES.unauthorized, reason }
}

/** The same as an error. Whatever a user's connections are closed with, to what is under way it means that the token is no longer good. */
export function refusedError({ code, reason }: Pick<Refused, 'code' | 'reason'>): DnrError {
  if (code === CLOSE_CODES.internal && reason === 'internal')
    return new DnrError('internal', 'authenticate failed.')
  if (reason === 'token_expired') return new DnrError(reason, 'The token has expired: get a new one.')
  if (reason === 'unauthorized') return new DnrError(reason, 'The token is not good: get a new one.')
  return new DnrError('token_revoked', 'This session was ended: sign in again.')
}

/** What makes it none: an end that is no number would be no end. */
function flawOf({ id, expiresAt }: Principal): string | null {
  if (typeof id !== 'string' || id === '') return 'an id that is no text'
  return expiresAt === undefined || Number.isFinite(expiresAt) ? null : 'an expiresAt that is no number'
}

export function isExpired({ expiresAt }: Principal, now: number): boolean {
  return expiresAt !== undefined && expiresAt <= now
}
