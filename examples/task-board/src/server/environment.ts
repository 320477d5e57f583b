// What the board is told by its environment. Pure: variables in, settings or one sentence out.
import type { LimitOptions } from '@dnr/server'
import { isLogLevel, LOG_LEVELS, type LogLevel } from './logger.ts'

export interface Environment {
  /** 0 is any free port. */
  readonly port: number
  readonly host: string
  /** Path of the SQLite file, or `:memory:`. */
  readonly databasePath: string
  /** Signs the tokens; `null`: a random one, so that tokens end with the process. */
  readonly secret: string | null
  readonly presenceTtlMs: number
  readonly seedDemo: boolean
  /** How many changes the log keeps; `null`: all. */
  readonly logRetention: number | null
  readonly limits: LimitOptions
  readonly logLevel: LogLevel
  /** Does `/api/explain` tell admins why somebody got an event? It tells of rows that the somebody may not see. */
  readonly explains: boolean
}

/** A variable that cannot be used; the message names it, its value and what is expected. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError'
}

type Variables = Readonly<Record<string, string | undefined>>

/** Reads every variable that the board knows. One that is empty counts as unset. @throws EnvironmentError */
export function readEnvironment(variables: Variables): Environment {
  const read = (name: string): string | undefined => variables[name] || undefined
  if (read('REDIS_URL') !== undefined)
    throw new EnvironmentError('REDIS_URL is not supported yet: unset it, the board runs as one process.')
  return {
    port: readInteger('PORT', read('PORT'), { from: 0, to: 65_535 }) ?? 3000,
    host: read('HOST') ?? '127.0.0.1',
    databasePath: readDatabasePath(read('DATABASE_URL') ?? 'file:./data/task-board.db'),
    secret: read('DNR_SECRET') ?? null,
    presenceTtlMs:
      readInteger('PRESENCE_TTL_MS', read('PRESENCE_TTL_MS'), { from: 100, to: 3_600_000 }) ?? 30_000,
    seedDemo: readFlag('SEED_DEMO', read('SEED_DEMO')),
    logRetention: readInteger('LOG_RETENTION', read('LOG_RETENTION'), {
      from: 1,
      to: Number.MAX_SAFE_INTEGER,
    }),
    limits: readLimits(read('DNR_LIMITS')),
    logLevel: readLogLevel(read('LOG_LEVEL')),
    explains: readExplains(read('EXPLAIN'), read('NODE_ENV')),
  }
}

function readInteger(
  name: string,
  text: string | undefined,
  range: { from: number; to: number },
): number | null {
  if (text === undefined) return null
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (value >= range.from && value <= range.to) return value
  throw unusable(name, text, `a whole number from ${range.from} to ${range.to}`)
}

function readFlag(name: string, text: string | undefined): boolean {
  if (text === undefined || text === '0') return false
  if (text === '1') return true
  throw unusable(name, text, '1 or 0')
}

function readDatabasePath(url: string): string {
  if (url === ':memory:') return url
  if (/^postgres(ql)?:\/\//.test(url))
    throw new EnvironmentError(
      'DATABASE_URL names a Postgres database, which is not supported yet: use file:PATH or :memory:.',
    )
  const path = /^file:(?:\/\/(?=\/))?(.+)$/.exec(url)?.[1]
  if (path === undefined) throw unusable('DATABASE_URL', url, 'file:PATH or :memory:')
  return path
}

function readLimits(text: string | undefined): LimitOptions {
  if (text === undefined) return {}
  const expected =
    'a JSON object of limits and numbers, null for no limit, such as {"maxMessagesPerSecond":100}'
  let limits: unknown
  try {
    limits = JSON.parse(text)
  } catch {
    throw unusable('DNR_LIMITS', text, expected)
  }
  const isObject = typeof limits === 'object' && limits !== null && !Array.isArray(limits)
  if (!isObject) throw unusable('DNR_LIMITS', text, expected)
  return limits as LimitOptions
}

function readLogLevel(text: string | undefined): LogLevel {
  if (text === undefined) return 'error'
  if (isLogLevel(text)) return text
  throw unusable('LOG_LEVEL', text, `one of ${LOG_LEVELS.join(', ')}`)
}

function readExplains(text: string | undefined, nodeEnv: string | undefined): boolean {
  const explains = readFlag('EXPLAIN', text)
  if (explains && nodeEnv === 'production')
    throw new EnvironmentError('EXPLAIN is for development, and NODE_ENV is production: unset one of them.')
  return explains
}

function unusable(name: string, value: string, expected: string): EnvironmentError {
  return new EnvironmentError(`${name} is ${JSON.stringify(value)}: expected ${expected}.`)
}
