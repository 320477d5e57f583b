// What one principal may do with the rows of one entity, right now: a rule made safe to ask. Holds no row and no
// connection. Next: channel/ groups subscribers by `key`, http/ and writes/ ask it for each row.
import type { AnyEntity, WireRow } from '@dnr/protocol'
import type { Rule, RowRule } from './rule.ts'

/** Rows are typed by the caller's entity; a grant of some entity takes any. */
// oxlint-disable-next-line typescript/no-explicit-any -- the row of an entity that is not known here
type AnyRow = any

/** A rule's answer for one principal and one entity. None of its methods throws: a rule that throws denies, and is reported. */
export interface Grant {
  readonly entity: AnyEntity
  /** Equal keys decide alike about every row: what a group of subscribers has in common. */
  readonly key: string
  /** Did the rule name its key? Then all who have it share what follows from it. */
  readonly isShared: boolean
  /** Is every row seen, whatever is in it? */
  readonly seesAll: boolean
  /** Names the visible fields; `''` when all are. Equal for equal sets of fields. */
  readonly fieldsKey: string
  /** Fields that may be read, filtered and sorted by; `id` and `version` always among them. */
  readonly readable: ReadonlySet<string>
  /** May this row be seen? Takes the typed row. */
  sees(row: AnyRow): boolean
  /** The row without the fields that may not be seen; the same object when there are none. */
  redact(row: WireRow): WireRow
  /** May this be written: all of it, nothing, or these fields alone? Takes typed rows; `null` where there is none. */
  writable(
    operation: 'create' | 'update' | 'delete',
    before: AnyRow,
    after: AnyRow,
  ): boolean | ReadonlySet<string>
}

/** Hears what a rule threw. */
export type ReportPolicyFailure = (error: unknown, where: string) => void

/** The grant of a rule's answer; `null` is no grant at all. `ownKey` names the principal where the rule gives no key. */
export function createGrant(
  entity: AnyEntity,
  rule: Rule<AnyRow>,
  ownKey: string,
  report: ReportPolicyFailure,
): Grant | null {
  if (rule === null || rule === undefined || rule === false) return null
  const all = readableFields(entity, undefined)
  if (rule === true) {
    return {
      entity,
      key: '*',
      isShared: true,
      seesAll: true,
      fieldsKey: '',
      readable: all,
      sees: () => true,
      redact: (row) => row,
      writable: () => true,
    }
  }
  const readable = rule.fields === undefined ? all : readableFields(entity, rule.fields)
  return {
    entity,
    key: rule.key === undefined ? `=${ownKey}` : `+${rule.key}`,
    isShared: rule.key !== undefined,
    seesAll: false,
    fieldsKey: rule.fields === undefined ? '' : [...readable].sort().join(),
    readable,
    sees: (row) => guarded(() => isYes(rule.sees(row)), false, report, `${entity.name}: sees`),
    redact: rule.fields === undefined ? (row) => row : (row) => pick(row, readable),
    writable: (operation, before, after) =>
      guarded(
        () => writableBy(rule, operation, before, after),
        false,
        report,
        `${entity.name}: ${operation}`,
      ),
  }
}

function readableFields(entity: AnyEntity, fields: readonly string[] | undefined): ReadonlySet<string> {
  return new Set(['id', 'version', ...(fields ?? Object.keys(entity.schema.shape))])
}

function pick(row: WireRow, readable: ReadonlySet<string>): WireRow {
  const picked: Record<string, unknown> = {}
  for (const field of Object.keys(row)) if (readable.has(field)) picked[field] = row[field]
  return picked as WireRow
}

function writableBy(
  rule: RowRule<AnyRow>,
  operation: 'create' | 'update' | 'delete',
  before: AnyRow,
  after: AnyRow,
): boolean | ReadonlySet<string> {
  const answer = answerOf(rule, operation, before, after)
  return Array.isArray(answer) ? new Set(answer as string[]) : isYes(answer)
}

function answerOf(
  rule: RowRule<AnyRow>,
  operation: 'create' | 'update' | 'delete',
  before: AnyRow,
  after: AnyRow,
): unknown {
  switch (operation) {
    case 'create':
      return typeof rule.create === 'function' ? rule.create(after) : rule.create
    case 'update':
      return typeof rule.update === 'function' ? rule.update(before, after) : rule.update
    case 'delete':
      return typeof rule.delete === 'function' ? rule.delete(before) : rule.delete
  }
}

// A promise is truthy: a rule that was made asynchronous by mistake must not let everybody in.
function isYes(answer: unknown): boolean {
  return answer === true
}

function guarded<T>(ask: () => T, denied: T, report: ReportPolicyFailure, where: string): T {
  try {
    return ask()
  } catch (error) {
    report(error, where)
    return denied
  }
}
