// A store in memory, with the order of checks that the port asks for. Every read and write can be looked at or delayed.
import {
  type AnyEntity,
  type AnyOrderBy,
  type AnyWhere,
  compareRows,
  DnrError,
  matchesWhere,
  type RowOf,
  VersionConflict,
} from '@dnr/protocol'
import type { EntityStore, Mutation, MutationContext, MutationResult } from '../../src/ports/entity-store.ts'

interface MemoryRow {
  readonly id: string
  readonly version: number
  readonly [field: string]: unknown
}

export interface MemoryStore extends EntityStore {
  readonly rows: Map<string, MemoryRow>
  /** Limits of the finds so far. */
  readonly finds: number[]
  /** Called before every find. */
  beforeFind: () => void
  /** Thrown by the next call of anything. */
  failure: unknown
}

/** Where a row stands in any order that the tests ask for. */
const cursorOf = (row: MemoryRow | undefined): string => JSON.stringify({ id: row?.id, rank: row?.['rank'] })

/** Rows are given without their version, which is 1. */
export function createMemoryStore(
  entity: AnyEntity,
  initial: readonly Record<string, unknown>[] = [],
): MemoryStore {
  const rows = new Map<string, MemoryRow>(
    initial.map((row) => [String(row['id']), { ...row, version: 1 } as unknown as MemoryRow]),
  )
  const answers = new Map<string, { body: string; id: string; result: MutationResult }>()
  let offset = 0

  const failIfAsked = (): void => {
    const { failure } = store
    store.failure = undefined
    if (failure !== undefined) throw failure
  }

  const validate = (fields: Readonly<Record<string, unknown>>, before: MemoryRow | null): MemoryRow => {
    for (const field of Object.keys(fields)) {
      if (Object.hasOwn(entity.schema.shape, field) && !(field === 'id' && before !== null)) continue
      throw new DnrError('bad_field', `There is no field ${field}.`, {
        details: { errors: [{ path: [field], message: 'unknown field' }] },
      })
    }
    const parsed = entity.schema.safeParse({ ...before, ...fields })
    if (!parsed.success) {
      const errors = parsed.error.issues.map(({ path, message }) => ({ path, message }))
      throw new DnrError('bad_field', 'A field does not fit.', { details: { errors } })
    }
    return { ...(parsed.data as object), version: (before?.version ?? 0) + 1 } as unknown as MemoryRow
  }

  const write = (mutation: Mutation, { authorize }: MutationContext): MutationResult => {
    const { operation, fields = {}, ifVersion } = mutation
    const given = fields['id']
    const id = mutation.id ?? (typeof given === 'string' ? given : `made-${offset + 1}`)
    const before = operation === 'create' ? null : (rows.get(id) ?? null)
    if (operation !== 'create' && before === null) {
      if (Object.hasOwn(fields, 'nonsense')) validate(fields, null)
      throw new DnrError('not_found', `There is no row ${id} in the table.`)
    }
    const after =
      operation === 'delete' ? null : validate(operation === 'create' ? { ...fields, id } : fields, before)
    authorize?.({ operation, before, after, fields: Object.keys(fields), replay: false } as never)
    if (operation === 'create' && rows.has(id)) throw new DnrError('id_taken', 'A row with this id exists.')
    if (before !== null && ifVersion !== undefined && ifVersion !== before.version) {
      throw new VersionConflict(before, ifVersion, before.version)
    }
    offset++
    if (after === null) rows.delete(id)
    else rows.set(id, after)
    const version = after?.version ?? (before?.version ?? 0) + 1
    return { row: after as RowOf<AnyEntity>, version, position: { epoch: 'e1', offset }, replayed: false }
  }

  const store: MemoryStore = {
    entity,
    rows,
    finds: [],
    beforeFind: () => {},
    failure: undefined,
    get: async (id) => {
      failIfAsked()
      return (rows.get(id) ?? null) as never
    },
    find: async ({ where = {}, orderBy = [], limit = 100, after } = {}) => {
      failIfAsked()
      store.beforeFind()
      store.finds.push(limit)
      const compare = compareRows(orderBy as AnyOrderBy)
      const start = after === undefined ? null : (JSON.parse(after) as MemoryRow)
      const found = [...rows.values()]
        .filter((row) => matchesWhere(row, where as AnyWhere) && (start === null || compare(row, start) > 0))
        .sort(compare)
      const page = found.slice(0, limit)
      const next = found.length > limit ? cursorOf(page.at(-1)) : null
      return { rows: page as RowOf<AnyEntity>[], next, position: { epoch: 'e1', offset } }
    },
    snapshotChunks: () => {
      throw new Error('not used here')
    },
    mutate: async (mutation, context) => {
      failIfAsked()
      const { mutationId, principal } = context
      if (mutationId === undefined) return write(mutation, context)
      const key = `${principal?.id} ${mutationId}`
      const body = JSON.stringify(mutation)
      const known = answers.get(key)
      if (known === undefined) {
        const result = write(mutation, context)
        answers.set(key, { body, id: result.row?.id ?? mutation.id ?? '', result })
        return result
      }
      if (known.body !== body) throw new DnrError('mutation_id_reused', 'This id was used for another write.')
      const now = (rows.get(known.id) ?? null) as never
      context.authorize?.({
        operation: mutation.operation,
        before: now,
        after: now,
        fields: [],
        replay: true,
      })
      return { ...known.result, replayed: true }
    },
  }
  return store
}
