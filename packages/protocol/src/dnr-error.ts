import type { ErrorCode } from './error-code.ts'

/** What may stand beside code and message of a {@link DnrError}. */
export interface DnrErrorOptions {
  /** Would the same call succeed later, unchanged? @default false */
  readonly retryable?: boolean
  /** When to try again at the earliest, in milliseconds from now. */
  readonly retryAfterMs?: number | undefined
  /** Data for code, such as `{ field: 'title' }`. Never a stack, SQL or a token. */
  readonly details?: Readonly<Record<string, unknown>> | undefined
  /** What it was caused by. */
  readonly cause?: unknown
}

/**
 * Every error of every package: a stable `code`, and a message that says what happened and what to do.
 *
 * @example
 * try { await tasks.update(id, patch, { ifVersion: 3 }) }
 * catch (error) { if (error instanceof DnrError && error.code === 'version_conflict') … }
 */
export class DnrError extends Error {
  override readonly name: string = 'DnrError'
  declare readonly code: ErrorCode
  /** Would the same call succeed later, unchanged? */
  declare readonly retryable: boolean
  /** When to try again at the earliest, in milliseconds from the error; `undefined` when nothing is known. */
  declare readonly retryAfterMs: number | undefined
  declare readonly details: Readonly<Record<string, unknown>> | undefined

  constructor(code: ErrorCode, message: string, options: DnrErrorOptions = {}) {
    super(message, options)
    this.code = code
    this.retryable = options.retryable ?? false
    this.retryAfterMs = options.retryAfterMs
    this.details = options.details
  }
}

/** The error itself when it is a {@link DnrError}, otherwise one around it that keeps it as `cause`. */
export function toDnrError(
  error: unknown,
  code: ErrorCode,
  message: string,
  options: DnrErrorOptions = {},
): DnrError {
  return error instanceof DnrError ? error : new DnrError(code, message, { ...options, cause: error })
}
