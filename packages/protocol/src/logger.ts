/**
 * Where a server says what happens to it. Levels by what the reader should do: error = look into it, info = the state
 * changed, debug = everything else. Tokens, cookies and rows are never among the details. Silent by default.
 */
export interface Logger {
  error(message: string, details?: Readonly<Record<string, unknown>>): void
  info(message: string, details?: Readonly<Record<string, unknown>>): void
  debug(message: string, details?: Readonly<Record<string, unknown>>): void
}

/** Says nothing. */
export const silentLogger: Logger = { error: () => {}, info: () => {}, debug: () => {} }
