import { DnrError, type ErrorCode, VersionConflict, type WireRow } from '@dnr/protocol'
import { formatEtag } from './etag.ts'
import { jsonResponse } from './json-response.ts'

/** The body of a refusal (RFC 9457). */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: string
  /** What is wrong with which field. */
  readonly errors?: readonly { readonly path: string; readonly message: string }[]
  /** The row as it is now, when the version moved. */
  readonly current?: unknown
}

const STATUS_BY_CODE: Partial<Record<ErrorCode, number>> = {
  bad_json: 400,
  bad_message: 400,
  bad_query: 400,
  bad_request: 400,
  unauthorized: 401,
  token_expired: 401,
  token_revoked: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  id_taken: 409,
  cancelled: 409,
  version_conflict: 412,
  too_big: 413,
  bad_field: 422,
  forbidden_field: 422,
  mutation_id_reused: 422,
  rate_limited: 429,
  storage_full: 507,
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Not signed in',
  403: 'Forbidden',
  404: 'Not found',
  405: 'Method not allowed',
  409: 'Conflict',
  412: 'Version conflict',
  413: 'Body too big',
  422: 'Not accepted',
  429: 'Too many requests',
  500: 'Internal error',
  503: 'Try again later',
  507: 'Storage full',
}

/** In HTTP the mutation id is the idempotency key. */
const HTTP_NAMES: Partial<Record<ErrorCode, string>> = { mutation_id_reused: 'idempotency_key_reused' }

const DEFAULT_RETRY_AFTER_MS = 1_000
/** Errors of the server itself, in words that tell nothing of it. */
const UNTOLD = 'Something went wrong on the server. Try again later.'

/** The refusal of a request. Nothing of an error that is not a `DnrError` is told. */
export function problemResponse(error: unknown): Response {
  const known = error instanceof DnrError ? error : new DnrError('internal', UNTOLD, { cause: error })
  const status = statusOf(known)
  return jsonResponse(status, problemOf(known, status), {
    ...headersOf(known, status),
    'content-type': 'application/problem+json',
  })
}

/** Is this a mistake of ours, which belongs into the log? */
export function isServerFault(error: unknown): boolean {
  return !(error instanceof DnrError) || statusOf(error) === 500
}

function statusOf({ code, retryable }: DnrError): number {
  return STATUS_BY_CODE[code] ?? (retryable ? 503 : 500)
}

function problemOf(error: DnrError, status: number): Problem {
  const code = HTTP_NAMES[error.code] ?? error.code
  const errors = fieldErrors(error)
  return {
    type: `urn:dnr:error:${code}`,
    title: TITLES[status] ?? 'Error',
    status,
    detail: status === 500 ? UNTOLD : error.message,
    code,
    ...(errors === null ? {} : { errors }),
    ...(error instanceof VersionConflict ? { current: error.current as unknown } : {}),
  }
}

function headersOf(error: DnrError, status: number): Record<string, string> {
  if (status === 401) {
    return { 'www-authenticate': error.code !== 'unauthorized' ? 'Bearer error="invalid_token"' : 'Bearer' }
  }
  if (error instanceof VersionConflict) return { etag: formatEtag((error.current as WireRow).version) }
  const isLater = status === 429 || status === 503 || error.retryable
  const seconds = Math.ceil((error.retryAfterMs ?? DEFAULT_RETRY_AFTER_MS) / 1_000)
  return isLater ? { 'retry-after': String(Math.max(1, seconds)) } : {}
}

/** `details.errors` as `[{ path, message }]`, when the error is about fields. */
function fieldErrors({ details }: DnrError): NonNullable<Problem['errors']> | null {
  const errors = details?.['errors']
  if (!Array.isArray(errors)) return null
  return (errors as { path?: unknown; message?: unknown }[]).map(({ path, message }) => ({
    path: Array.isArray(path) ? path.join('.') : String(path),
    message: String(message),
  }))
}
