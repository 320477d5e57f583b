// Who an HTTP request is from: a principal, or a refusal. The same `authenticate` as for sockets; there are no guests here.
import { CLOSE_CODES, type Clock, DnrError, type Logger, type Principal } from '@dnr/protocol'
import { type Authenticate, runAuthentication } from '../connection/authenticate.ts'
import { readCredentials } from './credentials.ts'

export interface IdentifyOptions {
  readonly authenticate: Authenticate | null
  readonly logger: Logger
  readonly clock: Pick<Clock, 'now'>
}

/**
 * The principal of a request.
 *
 * @throws DnrError `unauthorized` or `token_expired`; `bad_request` for a write that a foreign page may have sent.
 */
export async function identify(
  request: Request,
  url: URL,
  remoteAddress: string,
  { authenticate, logger, clock }: IdentifyOptions,
): Promise<Principal> {
  const credentials = readCredentials(request, url, remoteAddress)
  const result = await runAuthentication(authenticate, credentials, () => clock.now(), logger)
  if (!result.ok) throw refusal(result)
  if (result.principal === null) {
    throw new DnrError('unauthorized', 'Sign in first: send Authorization: Bearer TOKEN.')
  }
  if (credentials.token === null) checkCameFromOurPage(request)
  return result.principal
}

function refusal({ code, reason }: { readonly code: number; readonly reason: string }): DnrError {
  if (code !== CLOSE_CODES.unauthorized) return new DnrError('internal', 'authenticate failed.')
  return reason === 'token_expired'
    ? new DnrError('token_expired', 'The token has expired: get a new one.')
    : new DnrError('unauthorized', 'The token is not good: get a new one.')
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
