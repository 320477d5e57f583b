// One write under the policy, whichever way it came: http/ and the socket's `mutate` call it. Holds no row; what depends
// on one is decided by the gate, inside the store's transaction. Next: the store, whose log entry becomes the event.
import { systemClock } from '@dnr/internal'
import {
  type Clock,
  createRowCodec,
  DnrError,
  isRowId,
  type Position,
  type Principal,
  type RowCodec,
  VersionConflict,
  type WireRow,
} from '@dnr/protocol'
import type { Grant } from '../policy/grant.ts'
import type { Ruling } from '../policy/policy-evaluator.ts'
import { createLines } from '../policy/in-line.ts'
import { changingRights, MAX_ASKS, unknownRights } from '../policy/unknown-rights.ts'
import type { EntityStore, Mutation, MutationResult } from '../ports/entity-store.ts'
import { type AskedPolicies, type Current, currentGrant, type PrincipalNow } from './current-grant.ts'
import { createFieldDecoder, type DecodeFields } from './field-decoder.ts'
import { createRefusedWrites } from './refused-writes.ts'
import { createWriteGate, notFound, type WriteGate } from './write-gate.ts'

export interface WriteServiceOptions {
  readonly stores: readonly EntityStore[]
  readonly policies: AskedPolicies
  /** @default the system's */
  readonly clock?: Pick<Clock, 'monotonic'>
}

export interface WriteContext {
  /** Who writes; a guest may not. */
  readonly principal: Principal | null
  /**
   * The same user as their session says now: it may be renewed, or end, while a rule or a store is waited for. What it throws
   * refuses the write, as long as nothing is stored. @default as they were
   */
  readonly principalNow?: PrincipalNow | undefined
  /** Makes repeating the write harmless. */
  readonly mutationId?: string | undefined
  /**
   * When what carries the write came, a `nextArrival()`: refused, it takes no effect by what came earlier; and what came by the
   * same for the same row is done in the order of the calls. Absent: neither is looked after.
   */
  readonly arrival?: number | undefined
}

/** What the author of a write is told. */
export interface WriteAnswer {
  /** The row as its author may see it; `null` when it was deleted, or is not theirs to see. */
  readonly row: WireRow | null
  /** `false`: written, but its author may not see the result. */
  readonly visible: boolean
  readonly version: number
  readonly position: Position
  /** Is this the stored answer of an earlier write with the same mutation id? */
  readonly replayed: boolean
}

/** Writes rows for people. */
export interface WriteService {
  /**
   * Creates, updates or deletes one row, if the policy lets this principal. Field values are in JSON form.
   *
   * A row that may not be seen is `not_found` exactly as one that is absent, whatever else is wrong with the write; one
   * that may be seen but not written is `forbidden`; a field that may not be set is `forbidden_field`, never dropped.
   *
   * @throws DnrError among others `unauthorized` for guests, `bad_field`, `id_taken`, `mutation_id_reused`, `busy` when the
   *   rule failed or rights change faster than it can be asked, `cancelled` when the same was refused to a later arrival, and VersionConflict whose `current` holds what may be seen.
   */
  write(entityName: string, mutation: Mutation, context: WriteContext): Promise<WriteAnswer>
}

const OVERTAKEN = 'This write was asked for again, and refused: the answer there counts.'

interface Target {
  readonly store: EntityStore
  readonly codec: RowCodec
  readonly decodeFields: DecodeFields
}

/** Makes the one way by which principals write. */
export function createWriteService(options: WriteServiceOptions): WriteService {
  const { stores, policies, clock = systemClock } = options
  const refused = createRefusedWrites(clock)
  const targets = new Map<string, Target>(
    stores.map((store) => [
      store.entity.name,
      { store, codec: createRowCodec(store.entity), decodeFields: createFieldDecoder(store.entity) },
    ]),
  )

  const inLine = createLines()

  const perform = async (
    entityName: string,
    mutation: Mutation,
    principalNow: PrincipalNow,
    mutationId: string | undefined,
    before: Promise<void> | null,
  ): Promise<WriteAnswer> => {
    // Who has waited for a twin, or for the body of a request, may have been signed out meanwhile.
    principalNow()
    const target = targets.get(entityName)
    if (target === undefined) throw notFound()
    const author: Author = { principalNow, ask: () => currentGrant(entityName, principalNow, policies) }
    // Rules are asked for all of them at once, whoever goes first.
    let [current] = await Promise.all([author.ask(), before])
    for (let asks = 1; ; asks++) {
      const { isCurrent } = current
      const answer = isCurrent() ? await writeUnder(current, author, target, mutation, mutationId) : null
      if (answer !== null) return answer
      if (asks === MAX_ASKS) throw changingRights()
      current = await author.ask()
    }
  }

  /** Once refused, a write is refused to whatever carries it since before: its author was told no. */
  const unlessOvertaken = async (
    userId: string,
    mutationId: string,
    arrival: number,
    write: () => Promise<WriteAnswer>,
  ): Promise<WriteAnswer> => {
    if (refused.isOvertaken(userId, mutationId, arrival)) throw new DnrError('cancelled', OVERTAKEN)
    try {
      const answer = await write()
      refused.forget(userId, mutationId)
      return answer
    } catch (error) {
      refused.note(userId, mutationId, arrival)
      throw error
    }
  }

  return {
    async write(entityName, mutation, { principal, mutationId, principalNow, arrival }) {
      if (principal === null) throw new DnrError('unauthorized', 'Sign in first: only then can you write.')
      const { id } = principal
      const write = (before: Promise<void> | null): Promise<WriteAnswer> => {
        const once = (): Promise<WriteAnswer> =>
          perform(entityName, mutation, principalNow ?? (() => principal), mutationId, before)
        if (mutationId === undefined) return once()
        const held = (): Promise<WriteAnswer> =>
          arrival === undefined ? once() : unlessOvertaken(id, mutationId, arrival, once)
        // A twin waits for the first: refused before it, while it may still be done, it would have lied to its author.
        return inLine(JSON.stringify([id, mutationId]), (twins) =>
          twins === null ? held() : twins.then(held),
        )
      }
      const rowId = mutation.id ?? mutation.fields?.['id']
      if (arrival === undefined || typeof rowId !== 'string') return write(null)
      // What one connection asks of one row is done in the order in which it was asked, however long rules take.
      return inLine(JSON.stringify([arrival, entityName, rowId]), write)
    },
  }
}

interface Author {
  readonly principalNow: PrincipalNow
  /** The grant of now. */
  ask(): Promise<Current>
}

/** Writes by the grant of now; `null`: rights had changed when the store asked, and nothing has been written. */
async function writeUnder(
  { grant, principal, isCurrent }: Current,
  { principalNow, ask }: Author,
  target: Target,
  mutation: Mutation,
  mutationId: string | undefined,
): Promise<WriteAnswer | null> {
  if (grant === 'unknown') throw unknownRights()
  // A repeated write may have been done while there were rights to do it.
  if (grant === null && mutationId === undefined) throw notFound()
  checkMutation(mutation)
  const gate = createWriteGate(grant, isCurrent, principalNow)
  const { authorize } = gate
  const context = { principal, authorize, ...(mutationId === undefined ? {} : { mutationId }) }
  /** What may be told: a store may have taken its time. Nothing to whom a session is over. */
  const grantOfNow = async (): Promise<Ruling> => {
    principalNow()
    return isCurrent() ? grant : (await ask()).grant
  }
  try {
    const result = await target.store.mutate(decode(mutation, target), context)
    const ruling = await grantOfNow().catch(() => 'unknown' as const)
    // It is written: that is said in any case, the row shown only to who is known to see it.
    return answerOf(mutation, result, ruling === 'unknown' ? null : ruling, gate, target.codec)
  } catch (error) {
    if (gate.isOutdated) return null
    throw await tellable(error, mutation, await grantOfNow(), gate, target)
  }
}

function checkMutation({ operation, id, fields }: Mutation): void {
  // Said of every such write, so it says nothing about the row.
  if (operation === 'update' && Object.keys(fields ?? {}).length === 0) {
    throw new DnrError('bad_field', 'An update needs a field to change.')
  }
  if (operation !== 'create' && (id === undefined || !isRowId(id))) throw notFound()
}

function decode(mutation: Mutation, { decodeFields }: Target): Mutation {
  return mutation.fields === undefined ? mutation : { ...mutation, fields: decodeFields(mutation.fields) }
}

function answerOf(
  { operation }: Mutation,
  result: MutationResult,
  grant: Grant | null,
  gate: WriteGate,
  codec: RowCodec,
): WriteAnswer {
  const { row, version, position, replayed } = result
  if (operation === 'delete') return { row: null, visible: true, version, position, replayed }
  const isVisible = grant !== null && row !== null && !gate.isHiddenNow && grant.sees(row)
  return {
    row: isVisible ? grant.redact(codec.encode(row)) : null,
    visible: isVisible,
    version,
    position,
    replayed,
  }
}

/** The error as its author may hear it. */
async function tellable(
  error: unknown,
  mutation: Mutation,
  grant: Ruling,
  gate: WriteGate,
  target: Target,
): Promise<unknown> {
  if (grant === 'unknown') return unknownRights()
  if (grant === null) return error instanceof DnrError && error.retryable ? error : notFound(error)
  if (!(error instanceof DnrError))
    return (await isHidden(mutation, grant, gate, target)) ? notFound(error) : error
  if (error.code === 'not_found') return notFound(error)
  if (error instanceof VersionConflict) return redacted(error, grant, target.codec)
  if (error.retryable || error.code === 'mutation_id_reused') return error
  return (await isHidden(mutation, grant, gate, target)) ? notFound(error) : error
}

/**
 * A store may refuse fields before it looks for the row, and before the gate is asked. For a row that cannot be seen
 * the answer must then be the one for an absent row.
 */
async function isHidden(
  { operation, id }: Mutation,
  grant: Grant,
  gate: WriteGate,
  { store }: Target,
): Promise<boolean> {
  if (gate.wasAsked || operation === 'create' || id === undefined) return false
  const row = await store.get(id)
  return row === null || !grant.sees(row)
}

function redacted(conflict: VersionConflict, grant: Grant, codec: RowCodec): DnrError {
  const current = conflict.current as Parameters<RowCodec['encode']>[0]
  if (!grant.sees(current)) return notFound(conflict)
  const { expectedVersion, currentVersion } = conflict.details as {
    expectedVersion: number
    currentVersion: number
  }
  return new VersionConflict(grant.redact(codec.encode(current)), expectedVersion, currentVersion)
}
