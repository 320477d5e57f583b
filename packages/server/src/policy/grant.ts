// What one principal may do with the rows of one entity, right now: a rule made safe to ask. Holds no row and no
// connection. Next: channel/ groups subscribers by `key`, http/ and writes/ ask it for each row.
import type { AnyEntity, WireRow } from '@dnr/protocol'
import type { Rule, RowRule } from './rule.ts'

/** Rows are typed by the caller's entity; a grant of some entity takes any. */
// oxlint-disable-next-line typescript/no-explicit-any -- the row of an entity that is not known here
type AnyRow = any

/** What a rule says of a row. `unknown`: it threw, so nobody knows. */
export type Verdict = boolean | 'unknown'

/** A rule's answer for one principal and one entity. None of its methods throws: what a rule throws is reported. */
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
  judge(row: AnyRow): Verdict
  /** The same, where a rule that throws is a no. */
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

/** Hears what a rule threw, and which nonsense it answered. */
export type ReportPolicyFailure = (error: unknown, where: string) => void

/**
 * The grant of a rule's answer; `null` is no grant at all, and what becomes of nonsense: waiting does not mend it. `ownKey`
 * names the principal where the rule gives no key.
 */
export function createGrant(
  entity: AnyEntity,
  rule: Rule<AnyRow>,
  ownKey: string,
  report: ReportPolicyFailure,
): Grant | null {
  if (rule === null || rule === undefined || rule === false) return null
  if (rule === true) return grantOfAll(entity)
  if (typeof rule !== 'object' || typeof rule.sees !== 'function') {
    report(new TypeError('It is neither true, false nor an object with `sees`.'), entity.name)
    return null
  }
  if (rule.fields !== undefined && !Array.isArray(rule.fields)) {
    report(new TypeError('Its `fields` are no array.'), entity.name)
    return null
  }
  const readable = rule.fields === undefined ? grantOfAll(entity).readable : readableFields(rule.fields)
  const judge = (row: AnyRow): Verdict => judgeBy(rule, row, report, `${entity.name}: sees`)
  return {
    entity,
    key: rule.key === undefined ? `=${ownKey}` : `+${rule.key}`,
    isShared: rule.key !== undefined,
    seesAll: false,
    fieldsKey: rule.fields === undefined ? '' : [...readable].sort().join(),
    readable,
    judge,
    sees: (row) => judge(row) === true,
    redact: rule.fields === undefined ? (row) => row : (row) => pick(row, readable),
    writable(operation, before, after) {
      try {
        const answer = askRule(rule, operation, before, after)
        if (Array.isArray(answer)) return new Set(answer as string[])
        if (answer && answer !== true) refuseNonsense(answer, report, `${entity.name}: ${operation}`)
        return answer === true
      } catch (error) {
        report(error, `${entity.name}: ${operation}`)
        return false
      }
    },
  }
}

/** Everybody's who may do everything: the same for each of thousands who subscribe at once. */
const grantsOfAll = new WeakMap<AnyEntity, Grant>()

function grantOfAll(entity: AnyEntity): Grant {
  const known = grantsOfAll.get(entity)
  if (known !== undefined) return known
  const grant: Grant = {
    entity,
    key: '*',
    isShared: true,
    seesAll: true,
    fieldsKey: '',
    readable: readableFields(Object.keys(entity.schema.shape)),
    judge: () => true,
    sees: () => true,
    redact: (row) => row,
    writable: () => true,
  }
  grantsOfAll.set(entity, grant)
  return grant
}

function judgeBy(rule: RowRule<AnyRow>, row: AnyRow, report: ReportPolicyFailure, where: string): Verdict {
  try {
    const answer: unknown = rule.sees(row)
    if (answer === true) return true
    if (answer) refuseNonsense(answer, report, where)
    return false
  } catch (error) {
    report(error, where)
    return 'unknown'
  }
}

/** A promise is truthy: a rule that was made asynchronous by mistake must not let everybody in, nor end the process. */
function refuseNonsense(answer: unknown, report: ReportPolicyFailure, where: string): void {
  if (answer instanceof Promise) answer.catch(() => {})
  report(new TypeError('It is neither true nor false.'), where)
}

function readableFields(fields: readonly string[]): ReadonlySet<string> {
  return new Set(['id', 'version', ...fields])
}

function pick(row: WireRow, readable: ReadonlySet<string>): WireRow {
  const picked: Record<string, unknown> = {}
  for (const field of Object.keys(row)) if (readable.has(field)) picked[field] = row[field]
  return picked as WireRow
}

function askRule(
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
