/**
 * Every reason for which the server or a library refuses something. Codes are stable; each has an entry in
 * `docs/errors.md` that says what happened and what to do.
 */
export type ErrorCode = (typeof ERROR_CODES)[number]

/** All codes, in the order of `docs/errors.md`. */
export const ERROR_CODES = [
  // frames
  'bad_json',
  'bad_message',
  'unknown_type',
  'bad_channel',
  'too_big',
  'binary_frame',
  // access
  'unauthorized',
  'token_expired',
  'token_revoked',
  'forbidden',
  'not_found',
  // limits
  'too_many_subscriptions',
  'too_many_connections',
  'rate_limited',
  'slow_consumer',
  // presence
  'not_joined',
  'bad_metadata',
  // writes and queries
  'bad_query',
  'bad_field',
  'forbidden_field',
  'id_taken',
  'version_conflict',
  'mutation_id_reused',
  'too_many_rows',
  'transaction_timeout',
  'bad_request',
  'method_not_allowed',
  // service
  'timeout',
  'disconnected',
  'draining',
  'busy',
  'storage_full',
  'storage_failed',
  'storage_corrupt',
  'internal',
  // set-up
  'bad_option',
  'bad_entity',
  'unsupported_runtime',
  // browser
  'needs_auth',
  'closed',
  'row_absent',
  'row_exists',
  'cancelled',
  'unknown_outcome',
] as const

/** Is this text one of {@link ERROR_CODES}? */
export function isErrorCode(text: string): text is ErrorCode {
  return (ERROR_CODES as readonly string[]).includes(text)
}
