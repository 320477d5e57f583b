// Turns a refusal over HTTP into an error. By status and code; what a text says decides nothing.
import { DnrError, type ErrorCode, VersionConflict, type WireRow } from '@dnr/protocol'
import type { MutationRequest } from '../ports/mutation-transport.ts'

/** What a server, or a proxy before it, means that sends no problem+json. */
const CODES: Readonly<Record<number, ErrorCode>> = {
  400: 'bad_request',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  408: 'timeout',
  409: 'id_taken',
  413: 'too_big',
  422: 'bad_field',
  429: 'rate_limited',
  502: 'disconnected',
  503: 'busy',
  504: 'timeout',
}
const RETRYABLE: readonly number[] = [408, 429, 502, 503, 504]

/** The error that a response tells; `now` is for a `Retry-After` that is a date, `decode` for the row of a conflict. */
export async function readProblem(
  response: Response,
  request: MutationRequest,
  now: number,
  decode: (row: WireRow) => unknown,
): Promise<DnrError> {
  const { status } = response
  const { code, detail, current, errors } = await readBody(response)
  const row = status === 412 && current && decode(current)
  if (row) return new VersionConflict(row, request.ifVersion ?? 0, current.version)
  const retryAfterMs = readRetryAfterMs(response.headers.get('Retry-After'), now)
  return new DnrError(
    code === 'idempotency_key_reused'
      ? 'mutation_id_reused'
      : ((code ?? CODES[status] ?? 'internal') as ErrorCode),
    detail ?? `The server answered ${status}.`,
    {
      retryable: RETRYABLE.includes(status),
      ...(retryAfterMs !== undefined && { retryAfterMs }),
      ...(errors !== undefined && { details: { errors } }),
    },
  )
}

interface Problem {
  readonly code?: string
  readonly detail?: string
  readonly current?: WireRow
  readonly errors?: unknown
}

async function readBody(response: Response): Promise<Problem> {
  try {
    return ((await response.json()) as Problem | null) ?? {}
  } catch {
    // A page of a proxy: the status says enough.
    return {}
  }
}

/** Seconds, or a date. */
function readRetryAfterMs(text: string | null, now: number): number | undefined {
  if (text === null) return undefined
  const afterMs = Number.isNaN(Number(text)) ? Date.parse(text) - now : Number(text) * 1_000
  return Number.isFinite(afterMs) ? Math.max(0, afterMs) : undefined
}
