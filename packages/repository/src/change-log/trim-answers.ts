// Forgets the answers kept under mutation ids. They stand in the order of their keys, which costs a write one page less than
// an order by age would: so trimming goes round all of them, a batch at a time, and notes where it stopped.
import { sql } from 'kysely'
import { compileStatement, type Parameter } from '../database/compile.ts'
import type { Connection } from '../database/connection.ts'
import { nextTurn } from '../database/next-turn.ts'
import type { Reads } from '../database/reads.ts'
import { systemTables } from './log-tables.ts'
import { TRIM_BATCH } from './trim-log.ts'

interface AnswerKey {
  readonly scope: string
  readonly mutation_id: string
}

/** Which answers are to go: those written before a time, and those of changes up to an offset. */
export interface Expiry {
  readonly before: number
  readonly upTo: number
}

/** How far one call has come. */
export interface AnswerTrim {
  /** The answer it looked at last; `null`: it has not begun. */
  readonly at: AnswerKey | null
  /** How many batches it may still look at; 0: it is over. */
  readonly batchesLeft: number
  readonly removed: number
}

/** Before and after every key: mutation ids are not empty, and scopes are text of people. */
const START: AnswerKey = { scope: '', mutation_id: '' }
const END: AnswerKey = { scope: '\u{10ffff}', mutation_id: '' }

const MAX_BATCHES = 20

const stoppedAt = compileStatement<object, AnswerKey>(() =>
  systemTables.selectFrom('dnr_answer_round').select(['scope', 'mutation_id']),
)
const stopAt = compileStatement<AnswerKey, unknown>((param) =>
  systemTables
    .replaceInto('dnr_answer_round')
    .values({ number: 1, scope: param('scope'), mutation_id: param('mutation_id') }),
)
const startOver = compileStatement<object, unknown>(() => systemTables.deleteFrom('dnr_answer_round'))

const answersAfter = (param: Parameter<AnswerKey>) =>
  systemTables
    .selectFrom('dnr_mutations')
    .where(sql<boolean>`(scope, mutation_id) > (${param('scope')}, ${param('mutation_id')})`)
    .orderBy('scope')
    .orderBy('mutation_id')
const batchOfOffsets = compileStatement<AnswerKey, AnswerKey & { readonly offset: number }>((param) =>
  answersAfter(param).select(['scope', 'mutation_id', 'offset']).limit(TRIM_BATCH),
)
const endOfBatch = compileStatement<AnswerKey, AnswerKey>((param) =>
  answersAfter(param)
    .select(['scope', 'mutation_id'])
    .limit(1)
    .offset(TRIM_BATCH - 1),
)
const deleteExpired = compileStatement<AnswerKey & Expiry & { toScope: string; toId: string }, unknown>(
  (param) =>
    systemTables
      .deleteFrom('dnr_mutations')
      .where(sql<boolean>`(scope, mutation_id) > (${param('scope')}, ${param('mutation_id')})`)
      .where(sql<boolean>`(scope, mutation_id) <= (${param('toScope')}, ${param('toId')})`)
      .where((row) => row.or([row('at', '<', param('before')), row('offset', '<=', param('upTo'))])),
)

/** Begins a call of `trim`: where the last one stopped, or at the start if it is to look at everything. */
export function beginAnswerTrim(looksAtAll: boolean): AnswerTrim {
  return looksAtAll
    ? { at: START, batchesLeft: Number.POSITIVE_INFINITY, removed: 0 }
    : { at: null, batchesLeft: MAX_BATCHES, removed: 0 }
}

/** Deletes what has expired of the next batch, inside a write transaction. */
export function trimAnswers(connection: Connection, trim: AnswerTrim, expiry: Expiry): AnswerTrim {
  if (trim.batchesLeft === 0) return trim
  const after = trim.at ?? connection.get(stoppedAt, {}) ?? START
  const end = connection.get(endOfBatch, after)
  const { scope: toScope, mutation_id: toId } = end ?? END
  const removed = trim.removed + connection.run(deleteExpired, { ...after, toScope, toId, ...expiry })
  const batchesLeft = end === undefined ? 0 : trim.batchesLeft - 1
  if (end === undefined) connection.run(startOver, {})
  else if (batchesLeft === 0) connection.run(stopAt, end)
  return { at: end ?? null, batchesLeft, removed }
}

/**
 * The offset up to which answers are to go so that the newest `keep` stay; -1 when there are no more than that. Those of one
 * offset go together: none of them is known to be older, and a write whose answer goes would take effect again.
 */
export async function surplusAnswers(reads: Reads, keep: number): Promise<number> {
  const offsets: number[] = []
  for (let after: AnswerKey | undefined = START; after !== undefined; await nextTurn()) {
    const from: AnswerKey = after
    const answers = await reads.read((connection) => connection.all(batchOfOffsets, from))
    for (const { offset } of answers) offsets.push(offset)
    after = answers.at(-1)
  }
  // As numbers, and a million of them in a few milliseconds.
  const sorted = Float64Array.from(offsets).sort()
  const stays = sorted.length - Math.floor(keep)
  const goes = sorted[stays - 1] ?? -1
  return goes === sorted[stays] ? goes - 1 : goes
}
