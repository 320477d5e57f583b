// From a token to a principal, or to a close. Tokens are handed on and kept nowhere.
import { CLOSE_CODES, DnrError, type Logger, type Principal } from '@dnr/protocol'
import type { MaybePromise } from '../policy/maybe-promise.ts'

/** What there is to tell who somebody is. */
export interface Credentials {
  /** From `?token=`, the second subprotocol, `Authorization: Bearer`, or an `auth` message; at most 4,096 characters. */
  readonly token: string | null
  /** Empty for an `auth` message, as are headers and cookies. */
  readonly url: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly cookies: ReadonlyMap<string, string>
  readonly remoteAddress: string
}

/**
 * Says who it is; `null` is a guest. Asked when there is a token or a cookie.
 *
 * Throw `DnrError('unauthorized', …)` or `DnrError('token_expired', …)` for a token that is not good: the connection is
 * closed with 4401 and the client gets a new one. Anything else thrown is a fault of the server: 4500, and it is logged.
 */
export type Authenticate<P extends Principal = Principal> = (
  credentials: Credentials,
) => P | null | Promise<P | null>

export type AuthenticationResult =
  | { readonly ok: true; readonly principal: Principal | null }
  | { readonly ok: false; readonly code: number; readonly reason: string }

export const MAX_TOKEN_CHARACTERS = 4_096

/** Asks `authenticate`, and turns whatever it does into a result. Never throws or rejects. */
export function runAuthentication(
  authenticate: Authenticate | null,
  credentials: Credentials,
  now: () => number,
  logger: Logger,
): MaybePromise<AuthenticationResult> {
  const { token } = credentials
  if (token === null && !credentials.headers['cookie']) return { ok: true, principal: null }
  if (authenticate === null) return token === null ? { ok: true, principal: null } : UNAUTHORIZED
  if (token !== null && token.length > MAX_TOKEN_CHARACTERS) return UNAUTHORIZED
  const failed = (error: unknown): AuthenticationResult => {
    const code = error instanceof DnrError ? error.code : 'internal'
    if (code === 'unauthorized' || code === 'token_expired')
      return { ok: false, code: CLOSE_CODES.unauthorized, reason: code }
    const message =
      'authenticate failed: the connection is closed. For a bad token let it throw a DnrError "unauthorized".'
    logger.error(message, { error: describe(error, token) })
    return { ok: false, code: CLOSE_CODES.internal, reason: 'internal' }
  }
  try {
    const answer = authenticate(credentials)
    if (!(answer instanceof Promise)) return check(answer, token, now())
    return answer.then((principal) => check(principal, token, now()), failed)
  } catch (error) {
    return failed(error)
  }
}

const UNAUTHORIZED: AuthenticationResult = {
  ok: false,
  code: CLOSE_CODES.unauthorized,
  reason: 'unauthorized',
}

function check(principal: Principal | null, token: string | null, now: number): AuthenticationResult {
  // A token that is nobody's is a bad token, never a guest's.
  if (principal === null) return token === null ? { ok: true, principal } : UNAUTHORIZED
  if (isExpired(principal, now)) return { ok: false, code: CLOSE_CODES.unauthorized, reason: 'token_expired' }
  return { ok: true, principal }
}

// Libraries like to quote what they were given.
function describe(error: unknown, token: string | null): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return token === null || token === '' ? text : text.replaceAll(token, '[token]')
}

export function isExpired({ expiresAt }: Principal, now: number): boolean {
  return expiresAt !== undefined && expiresAt <= now
}
