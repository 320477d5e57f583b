// How a request is refused: always with a code and a sentence, and addressed to who asked.
import { type ClientMessage, type DnrError, type ErrorCode, VersionConflict } from '@dnr/protocol'
import { unknownRights } from '../policy/unknown-rights.ts'

/** An `error` to be sent. */
export interface Refusal {
  readonly code: ErrorCode
  readonly message: string
  readonly requestId?: string | undefined
  readonly channel?: string | undefined
  readonly subscription?: string | undefined
  /** The subscription that was installed under `channel` and `subscription` is over with it. */
  readonly ended?: true | undefined
  readonly retryAfterMs?: number | undefined
  readonly details?: Readonly<Record<string, unknown>> | undefined
}

/** One sentence for an unknown entity, no grant and somebody else's channel: which of them it is, is not said. */
export const FORBIDDEN = 'This channel does not exist, or you may not hear it.'

/** Why somebody does not hear a channel: they may not, or nobody knows whether they may. */
export function refusedBy(
  authorization: null | 'unknown',
): Pick<Refusal, 'code' | 'message' | 'retryAfterMs'> {
  return authorization === null ? { code: 'forbidden', message: FORBIDDEN } : refusalOf(unknownRights())
}

/** Faults of the server itself: what they say is for the log. */
const OWN_FAULTS: ReadonlySet<ErrorCode> = new Set([
  'internal',
  'storage_failed',
  'bad_option',
  'bad_entity',
  'unsupported_runtime',
])
const UNTOLD = 'Something went wrong on the server. Try again later.'

/** Is it a mistake of ours, which belongs into the log? */
export function isOwnFault({ code }: DnrError): boolean {
  return OWN_FAULTS.has(code)
}

/** What a refused request is answered with: code, sentence and when to try again; never a stack, and no sentence of our own faults. */
export function refusalOf(error: DnrError): {
  code: ErrorCode
  message: string
  retryAfterMs?: number
  details?: Record<string, unknown>
} {
  const { code, message, retryAfterMs } = error
  const later = retryAfterMs === undefined ? {} : { retryAfterMs }
  if (isOwnFault(error)) return { code, message: UNTOLD, ...later }
  const details = {
    ...error.details,
    ...(error instanceof VersionConflict ? { current: error.current as unknown } : {}),
  }
  return {
    code,
    message,
    ...later,
    ...(Object.keys(details).length === 0 ? {} : { details }),
  }
}

/** What the answer to a message repeats. */
export function addressOf(message: ClientMessage): {
  requestId: string | undefined
  channel: string | undefined
  subscription: string | undefined
} {
  const { requestId, channel, payload } = message as {
    requestId?: string
    channel?: string
    payload?: { subscription?: unknown }
  }
  const subscription = typeof payload?.subscription === 'string' ? payload.subscription : undefined
  return { requestId, channel, subscription }
}
