// What is certainly older than asked. Holds how long this process has run with a clock that nobody set; in the file stands how
// long processes have run on it in all, and where the log ended from hour to hour of that.
//
// A wall clock alone cannot say: set forward, it makes what was written a moment ago years old, and a process that starts sees
// no difference to a file that nobody has opened for years. So time counts while somebody runs to see it pass.
import type { Clock } from '@dnr/protocol'
import { compileStatement } from '../database/compile.ts'
import type { Connection } from '../database/connection.ts'
import { readHead } from './epochs.ts'
import { systemTables } from './log-tables.ts'

/** What is as old as asked, by either of the two. */
export interface Old {
  /** Written before this time of the wall clock; 0 when that cannot be told. */
  readonly before: number
  /** Up to this offset of the log; -1 when that cannot be told. */
  readonly upTo: number
}

/** Ages of what is in one file. */
export interface AgeLimit {
  /** The wall clock, for whatever is written: what it says is only worth something if somebody looks whether it was set. */
  now(): number
  /** Notes how long somebody has run by now, inside a write transaction; then says what is older than `maxAgeMs`. */
  look(connection: Connection): (maxAgeMs: number) => Old
  /** Has this process run for so long that it should be noted, although nothing is to be trimmed? */
  isDue(): boolean
}

/** A wall clock that goes on by so much more than the time that passed has been set. */
const JUMP_MS = 60_000
/** So often a process notes that it runs, if it writes: who has been there for as long need not wait for another's note. */
const NOTE_EVERY_MS = 600_000
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** More than a year of running. */
const MAX_MARKS = 10_000

/** How long somebody has run in all, and the time of the wall clock when that was noted. */
interface Run {
  readonly ran_ms: number
  readonly ran_at: number
}

const readRun = compileStatement<object, Run>(
  () =>
    systemTables.selectNoFrom((db) => [
      db.selectFrom('dnr_meta').select('value').where('name', '=', 'ran_ms').as('ran_ms'),
      db.selectFrom('dnr_meta').select('value').where('name', '=', 'ran_at').as('ran_at'),
    ]) as never,
)
const setMeta = compileStatement<{ name: 'ran_ms' | 'ran_at'; value: number }, unknown>((param) =>
  systemTables
    .updateTable('dnr_meta')
    .set({ value: param('value') })
    .where('name', '=', param('name')),
)
const markAt = compileStatement<{ ranMs: number }, { ran_ms: number; offset: number }>((param) =>
  systemTables
    .selectFrom('dnr_log_ages')
    .select(['ran_ms', 'offset'])
    .where('ran_ms', '<=', param('ranMs'))
    .orderBy('ran_ms', 'desc')
    .limit(1),
)
const insertMark = compileStatement<{ ranMs: number; offset: number }, unknown>((param) =>
  systemTables.insertInto('dnr_log_ages').values({ ran_ms: param('ranMs'), offset: param('offset') }),
)
const deleteOldMarks = compileStatement<object, unknown>(() =>
  systemTables
    .deleteFrom('dnr_log_ages')
    .where('ran_ms', '<=', (db) =>
      db.selectFrom('dnr_log_ages').select('ran_ms').orderBy('ran_ms', 'desc').limit(1).offset(MAX_MARKS),
    ),
)

/** Makes the ages of one open file; this process counts as running from here on. */
export function createAgeLimit(clock: Clock): AgeLimit {
  /** Since then nobody has set the wall clock forward. */
  let trustedMark = clock.monotonic()
  /** How far the wall clock was ahead of the monotonic one since then, at the least. */
  let ahead = clock.now() - trustedMark
  let lookedMark = trustedMark

  const readTime = (): { now: number; mark: number } => {
    const now = clock.now()
    const mark = clock.monotonic()
    if (now - mark - ahead > JUMP_MS) {
      trustedMark = mark
      ahead = now - mark
    } else ahead = Math.min(ahead, now - mark)
    return { now, mark }
  }
  return {
    now: () => readTime().now,
    look(connection) {
      const { now, mark } = readTime()
      lookedMark = mark
      const trustedMs = Math.floor(mark - trustedMark)
      const run = connection.get(readRun, {}) as Run
      const ranMs = isToNote(run, now, trustedMs) ? noteRun(connection, run, now, trustedMs) : run.ran_ms
      return (maxAgeMs) => ({
        before: trustedMs >= maxAgeMs ? now - maxAgeMs : 0,
        upTo: connection.get(markAt, { ranMs: ranMs - maxAgeMs })?.offset ?? -1,
      })
    },
    isDue: () => clock.monotonic() - lookedMark >= NOTE_EVERY_MS,
  }
}

/**
 * A note ends what can be added of the time before it: added later, it would make marks older than they are. So whoever has
 * seen only the end of that time, a script that trims, leaves it to a process that has run for longer; for a day, lest
 * nobody ever notes anything where none does.
 */
function isToNote(run: Run, now: number, trustedMs: number): boolean {
  const missedMs = now - run.ran_at - trustedMs
  return trustedMs >= Math.min(missedMs, NOTE_EVERY_MS) || missedMs >= DAY_MS
}

/** Adds what nobody has noted yet of the time that this process has seen pass, and gives the sum. */
function noteRun(connection: Connection, run: Run, now: number, trustedMs: number): number {
  // Another process may have noted its own time a moment ago: that was the same time.
  const passedMs = Math.min(Math.max(now - run.ran_at, 0), trustedMs)
  const ranMs = run.ran_ms + passedMs
  connection.run(setMeta, { name: 'ran_ms', value: ranMs })
  connection.run(setMeta, { name: 'ran_at', value: now })
  const last = connection.get(markAt, { ranMs })
  if (last === undefined || ranMs - last.ran_ms >= HOUR_MS) {
    connection.run(insertMark, { ranMs, offset: readHead(connection).offset })
    connection.run(deleteOldMarks, {})
  }
  return ranMs
}
