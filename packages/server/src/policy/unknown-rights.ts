import { DnrError } from '@dnr/protocol'

const RETRY_AFTER_MS = 1_000

/** So often a rule is asked when rights change before its answer has been used. */
export const MAX_ASKS = 10

/** The refusal of whose rule threw, rejected or took too long. That may pass, so it is no `forbidden`; why is for the log. */
export function unknownRights(): DnrError {
  return busy('The server could not find out what you may do: try again later.')
}

/** The refusal of whose rule was asked {@link MAX_ASKS} times, and whose rights had changed each time since. */
export function changingRights(): DnrError {
  return busy('Rights change faster than they can be asked for: try again later.')
}

function busy(message: string): DnrError {
  return new DnrError('busy', message, { retryable: true, retryAfterMs: RETRY_AFTER_MS })
}
