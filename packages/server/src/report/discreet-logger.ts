// The logger that the whole server writes to: the application's, but without what errors say.
import { describeError } from '@dnr/internal'
import type { Logger } from '@dnr/protocol'

/** Takes an error whole, with the sentence that stands beside it in the log. */
export type ErrorListener = (error: unknown, what: string) => void

/**
 * Hands entries on to `logger`, each `error` among their details as kind, code and place; `onError` gets it as it is.
 * Neither of them disturbs the server by throwing.
 */
export function createDiscreetLogger(logger: Logger, onError: ErrorListener | null): Logger {
  const write =
    (level: keyof Logger): Logger['info'] =>
    (message, details) => {
      if (details === undefined || !('error' in details)) return guard(() => logger[level](message, details))
      const { error } = details
      guard(() => onError?.(error, message))
      guard(() => logger[level](message, { ...details, error: describeError(error) }))
    }
  return { error: write('error'), info: write('info'), debug: write('debug') }
}

function guard(call: () => void): void {
  try {
    call()
  } catch {
    // There is nobody left to tell.
  }
}
