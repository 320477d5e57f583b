// Who an HTTP request is from: a principal, or a refusal. The same `authenticate` as for sockets; there are no guests here.
import { CLOSE_CODES, DnrError, type Principal } from '@dnr/protocol'
import type { Authenticator } from '../connection/authenticate.ts'
import { readCredentials } from './credentials.ts'

/**
 * The principal of a request.
 *
 * @throws DnrError `unauthorized`, `token_expired` or `token_revoked`; `bad_request` for a write that a foreign page may have sent.
 */
export async function identify(
  request: Request,
  url: URL,
  remoteAddress: string,
  authenticator: Authenticator,
): Promise<Principal> {
  const credentials = readCredentials(request, url, remoteAddress)
  const result = await authenticator.run(credentials)
  if (!result.ok) throw refusal(result)
  if (result.principal === null) {
    throw new DnrError('unauthorized', 'Sign in first: send Authorization: Bearer TOKEN.')
  }
  if (credentials.token === null) checkCameFromOurPage(request)
  return result.principal
}

function refusal({ code, reason }: { readonly code: number; readonly reason: string }): DnrError {
  // Whatever a user's connections are closed with, to a request under way it means that the token is no longer good.
  if (code === CLOSE_CODES.internal && reason === 'internal')
    return new DnrError('internal', 'authenticate failed.')
  if (reason === 'token_expired') return new DnrError(reason, 'The token has expired: get a new one.')
  if (reason === 'unauthorized') return new DnrError(reason, 'The token is not good: get a new one.')
  return new DnrError('token_revoked', 'This session was ended: sign in again.')
}

/**
 * Browsers send cookies with whatever page makes them ask. JSON as the type of the body is what a foreign page cannot
 * choose without being asked first (CORS), nor can it choose PATCH and DELETE.
 */
function checkCameFromOurPage({ method, headers }: Request): void {
  if (method !== 'POST' || /^application\/json\s*(;|$)/i.test(headers.get('content-type') ?? '')) return
  throw new DnrError(
    'bad_request',
    'A request that is known by its cookie needs Content-Type: application/json.',
  )
}
