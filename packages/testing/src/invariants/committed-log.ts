// The committed changes as the checker knows them. Holds the present history, what a restored backup has taken back, and the
// versions of each row; judges nothing but that a position keeps its meaning.
import type { Change, Position, WireRow } from '@dnr/protocol'
import { InvariantViolation } from './violation.ts'

/** The log, as far as the checker was told. */
export interface CommittedLog {
  readonly head: number
  /** Adds changes in log order; those already known are compared. @throws InvariantViolation S3 */
  add(changes: readonly Change[]): void
  /** A backup was restored: everything after `offset` never happened. */
  cutAfter(offset: number): void
  at(offset: number): Change | undefined
  /** Changes of one entity (or one row of it) in (`after`, `upTo`], in order. */
  between(after: number, upTo: number, entity: string, id?: string): Iterable<Change>
  /** Changes of one row in the present history, oldest first. */
  ofRow(entity: string, id: string): readonly Change[]
  /** Every image that a row ever had, those taken back too. */
  imagesEver(entity: string, id: string): readonly WireRow[]
  /** The row as it was at `offset`. */
  rowAt(entity: string, id: string, offset: number): WireRow | null
  ids(entity: string): Iterable<string>
  /** Does a position lie on the present history? */
  isPresent(position: Position): boolean
  /** All changes with this mutation id; those taken back are not among them. */
  ofMutation(mutationId: string): readonly Change[]
  /** Was a change with this mutation id taken back by a restored backup? */
  wasTakenBack(mutationId: string): boolean
  /** How often a backup was restored. */
  readonly cuts: number
}

const NONE: readonly Change[] = []

export function createCommittedLog(): CommittedLog {
  const changes: (Change | undefined)[] = [undefined]
  const byRow = new Map<string, Change[]>()
  const images = new Map<string, WireRow[]>()
  const idsByEntity = new Map<string, Set<string>>()
  const byMutation = new Map<string, Change[]>()
  const takenBack = new Set<string>()
  const lastByCutEpoch = new Map<string, number>()
  const meaning = new Map<string, string>()
  let cuts = 0

  const addOne = (change: Change): void => {
    const { entity, id, position, after, mutationId } = change
    const key = `${position.epoch}:${position.offset}`
    const text = JSON.stringify([entity, id, change.operation, change.version, change.before, after])
    const known = meaning.get(key)
    if (known !== undefined && known !== text)
      throw new InvariantViolation('S3', {
        who: 'the log',
        what: 'one position has two meanings',
        position,
        expected: known,
        actual: text,
      })
    meaning.set(key, text)
    if (position.offset <= head()) return
    if (position.offset !== head() + 1)
      throw new InvariantViolation('S1', {
        who: 'the log',
        what: 'an offset was left out',
        position,
        expected: head() + 1,
      })
    changes[position.offset] = change
    listIn(byRow, `${entity} ${id}`).push(change)
    if (after !== null) listIn(images, `${entity} ${id}`).push(after)
    const ids = idsByEntity.get(entity) ?? new Set()
    idsByEntity.set(entity, ids.add(id))
    if (mutationId !== null) listIn(byMutation, mutationId).push(change)
  }
  const head = (): number => changes.length - 1

  return {
    get head() {
      return head()
    },
    get cuts() {
      return cuts
    },
    add(added) {
      for (const change of added) addOne(change)
    },
    cutAfter(offset) {
      cuts++
      const lost = changes.splice(offset + 1)
      for (const change of lost) {
        if (change === undefined) continue
        byRow.get(`${change.entity} ${change.id}`)?.pop()
        lastByCutEpoch.set(change.position.epoch, offset)
        if (change.mutationId === null) continue
        byMutation.get(change.mutationId)?.pop()
        takenBack.add(change.mutationId)
      }
    },
    at: (offset) => changes[offset],
    *between(after, upTo, entity, id) {
      for (let offset = after + 1; offset <= upTo; offset++) {
        const change = changes[offset]
        if (change?.entity === entity && (id === undefined || change.id === id)) yield change
      }
    },
    ofRow: (entity, id) => byRow.get(`${entity} ${id}`) ?? NONE,
    imagesEver: (entity, id) => images.get(`${entity} ${id}`) ?? [],
    rowAt(entity, id, offset) {
      const own = byRow.get(`${entity} ${id}`) ?? NONE
      let index = own.length - 1
      while (index >= 0 && (own[index]?.position.offset ?? 0) > offset) index--
      return own[index]?.after ?? null
    },
    ids: (entity) => idsByEntity.get(entity) ?? [],
    isPresent({ epoch, offset }) {
      return offset <= head() && offset <= (lastByCutEpoch.get(epoch) ?? Number.POSITIVE_INFINITY)
    },
    ofMutation: (mutationId) => byMutation.get(mutationId) ?? NONE,
    wasTakenBack: (mutationId) => takenBack.has(mutationId),
  }
}

function listIn<Value>(lists: Map<string, Value[]>, key: string): Value[] {
  const known = lists.get(key)
  if (known !== undefined) return known
  const list: Value[] = []
  lists.set(key, list)
  return list
}
