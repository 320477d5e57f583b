// An error as a log may have it. What an error says is often a quotation: a JSON parser quotes the token, a rule the row,
// a driver the value. Kind, code and place are enough to find the line, and quote nobody.

/** Kind, code and place of an error; nothing that it says. */
export interface ErrorDescription {
  readonly name: string
  readonly code?: string
  /** The innermost calls, as the stack names them. */
  readonly at: readonly string[]
  readonly cause?: ErrorDescription
}

const MAX_CALLS = 8
const MAX_CAUSES = 3

/** Describes whatever was thrown. Never throws. */
export function describeError(error: unknown, causes = MAX_CAUSES): ErrorDescription {
  try {
    if (!(error instanceof Error)) return { name: `a thrown ${typeof error}`, at: [] }
    const { name, code, cause } = error as Error & { code?: unknown }
    return {
      name: /^[A-Z]\w{0,60}$/i.test(name) ? name : 'Error',
      ...(isCode(code) && { code }),
      at: callsOf(error),
      ...(cause !== undefined && causes > 0 && { cause: describeError(cause, causes - 1) }),
    }
  } catch {
    return { name: 'an error that cannot be read', at: [] }
  }
}

/** `SQLITE_BUSY`, `ECONNREFUSED`, `token_expired`; not what merely stands in a field of that name. */
function isCode(code: unknown): code is string {
  return typeof code === 'string' && /^([A-Z][A-Z0-9_]{0,60}|[a-z][a-z_]{0,60})$/.test(code)
}

/** The lines of the stack after the message, which may have lines of its own that look like them. */
function callsOf({ stack = '', message }: Error): string[] {
  const start = stack.indexOf(message)
  if (start === -1) return []
  const lines = stack.slice(start + message.length).split('\n')
  const calls = lines.filter((line) => /^ {4}at /.test(line)).map((line) => line.trim().slice(3))
  return calls.slice(0, MAX_CALLS)
}
