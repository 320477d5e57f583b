import { DnrError } from '@dnr/protocol'

const RETRY_AFTER_MS = 1_000

/** The refusal of whose rule threw, rejected or took too long. That may pass, so it is no `forbidden`; why is for the log. */
export function unknownRights(): DnrError {
  return new DnrError('busy', 'The server could not find out what you may do: try again later.', {
    retryable: true,
    retryAfterMs: RETRY_AFTER_MS,
  })
}
