import type { AnyEntity, SchemaIssue } from '@dnr/protocol'

/** A complaint before zod has given it its text. */
interface RawIssue {
  readonly path?: readonly PropertyKey[]
  readonly message?: string
  readonly inst?: {
    readonly _zod: {
      readonly def: { error?(issue: unknown): string | { message: string } | null | undefined }
    }
  }
}

interface Payload {
  readonly value: unknown
  readonly issues: RawIssue[]
}

/** The part of a zod check that is used: what `.refine()` on an object adds to its schema. */
interface ObjectCheck {
  readonly _zod: { check(payload: Payload): unknown; readonly def: { when?: (payload: Payload) => boolean } }
}

/**
 * Runs the rules that stand on the object as a whole, such as `.refine((row) => row.start <= row.end)`, over a row whose
 * fields are valid already.
 *
 * Parsing the row again would run every transform a second time over its own output.
 */
export function checkObject(
  entity: AnyEntity,
  row: Readonly<Record<string, unknown>>,
): readonly SchemaIssue[] {
  const { checks } = entity.schema._zod.def as { readonly checks?: readonly ObjectCheck[] }
  if (checks === undefined || checks.length === 0) return []
  const payload: Payload = { value: row, issues: [] }
  for (const check of checks) {
    if (check._zod.def.when?.(payload) === false) continue
    if (check._zod.check(payload) instanceof Promise) throw new Error('The check is asynchronous.')
  }
  return payload.issues.map((issue) => ({ path: issue.path ?? [], message: textOf(issue) }))
}

function textOf(issue: RawIssue): string {
  const given = issue.inst?._zod.def.error?.(issue)
  const text = issue.message ?? (typeof given === 'object' ? given?.message : given)
  return text ?? 'the row breaks a rule of its schema'
}
