import { DnrError, type ErrorCode, type ServerMessage, VersionConflict } from '@dnr/protocol'

const RETRYABLE =
  /^(rate_limited|too_many_connections|slow_consumer|transaction_timeout|timeout|disconnected|draining|busy)$/

/** The error of an `error` message. Retryable by its code, or because the server named a time to come back. */
export function readWireError({ payload }: Extract<ServerMessage, { type: 'error' }>): DnrError {
  const { code, message, retryAfterMs, details } = payload
  if (code === 'version_conflict' && details && 'current' in details) {
    return new VersionConflict(
      details['current'],
      Number(details['expectedVersion']),
      Number(details['currentVersion']),
    )
  }
  return new DnrError(code as ErrorCode, message, {
    retryable: retryAfterMs !== undefined || RETRYABLE.test(code),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(details && { details }),
  })
}
