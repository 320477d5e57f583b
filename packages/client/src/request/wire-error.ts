import { DnrError, type ErrorCode, type ServerMessage, VersionConflict } from '@dnr/protocol'

/** Codes of what passes, each by a part of its name that no other code has; a test goes through all of them. */
const RETRYABLE = /limited|connect|slow|timeout|draining|busy/

/** The error of an `error` message. Retryable by its code, or because the server named a time to come back. */
export function readWireError({ payload }: Extract<ServerMessage, { type: 'error' }>): DnrError {
  const { code, message, retryAfterMs, details } = payload
  if (code === 'version_conflict' && details && 'current' in details) {
    const { current, expectedVersion, currentVersion } = details
    return new VersionConflict(current, expectedVersion as number, currentVersion as number)
  }
  return new DnrError(code as ErrorCode, message, {
    retryable: retryAfterMs !== undefined || RETRYABLE.test(code),
    retryAfterMs,
    details,
  })
}
