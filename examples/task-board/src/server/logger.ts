import type { Logger } from '@dnr/protocol'

/** From nothing to everything. */
export const LOG_LEVELS = ['silent', 'error', 'info', 'debug'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

export function isLogLevel(text: string): text is LogLevel {
  return (LOG_LEVELS as readonly string[]).includes(text)
}

/** Writes one line of JSON for each entry up to `level`. Nobody hands it tokens, cookies or rows. */
export function createLogger(level: LogLevel, write: (line: string) => void): Logger {
  const writerOf = (own: LogLevel): Logger['info'] => {
    if (LOG_LEVELS.indexOf(own) > LOG_LEVELS.indexOf(level)) return () => {}
    return (message, details) =>
      write(JSON.stringify({ at: new Date().toISOString(), level: own, message, ...details }, errorAsText))
  }
  return { error: writerOf('error'), info: writerOf('info'), debug: writerOf('debug') }
}

function errorAsText(_key: string, value: unknown): unknown {
  return value instanceof Error ? (value.stack ?? value.message) : value
}
