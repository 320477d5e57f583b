// Who an HTTP request is from: a principal, or a refusal. The same `authenticate` as for sockets; there are no guests here.
import { type Clock, DnrError, type Principal } from '@dnr/protocol'
import { withTimeout } from '../policy/policy-evaluator.ts'
import {
  type AuthenticationResult,
  type Authenticator,
  type Credentials,
  refusedError,
} from '../connection/authenticate.ts'
import type { MaybePromise } from '../policy/maybe-promise.ts'
import { readCredentials } from './credentials.ts'

/** Who says who asks, and how long that may take. */
export interface Identification {
  readonly authenticator: Authenticator
  readonly clock: Clock
  readonly timeoutMs: number
}

/**
 * The principal of a request.
 *
 * @throws DnrError `unauthorized`, `token_expired` or `token_revoked`; `bad_request` for a write that a foreign page may have sent;
 * `timeout` when `authenticate` takes too long.
 */
export async function identify(
  request: Request,
  url: URL,
  remoteAddress: string,
  identification: Identification,
): Promise<Principal> {
  const credentials = readCredentials(request, url, remoteAddress)
  const result = await authenticate(identification, credentials)
  if (!result.ok) throw refusedError(result)
  if (result.principal === null) {
    throw new DnrError('unauthorized', 'Sign in first: send Authorization: Bearer TOKEN.')
  }
  if (credentials.token === null) checkCameFromOurPage(request)
  return result.principal
}

function authenticate(
  { authenticator, clock, timeoutMs }: Identification,
  credentials: Credentials,
): MaybePromise<AuthenticationResult> {
  const result = authenticator.run(credentials)
  if (!(result instanceof Promise) || timeoutMs === Number.POSITIVE_INFINITY) return result
  // The authenticator itself never rejects.
  return withTimeout(result, timeoutMs, clock).catch(() => {
    throw new DnrError('timeout', 'It could not be told in time who asks. Try again later.', {
      retryable: true,
    })
  })
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
