import type { ErrorCode } from './error-code.ts'

/** What comes of input from outside: the value, or a stable code and a sentence. Parsing never throws. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string }

/** A successful {@link Parsed}. */
export function ok<T>(value: T): Parsed<T> {
  return { ok: true, value }
}

/** A refused {@link Parsed}: `code` is stable, `message` says what was wrong and what is expected. */
export function err(code: ErrorCode, message: string): Parsed<never> {
  return { ok: false, code, message }
}
