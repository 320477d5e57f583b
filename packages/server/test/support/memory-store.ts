// A log and one table in memory, as a repository would show them to the server. Every read waits for `gate` when one is
// set, so that a test decides what happens in between.
import {
  type Change,
  type ChangeSink,
  createRowCodec,
  matchesWhere,
  type Position,
  type RowOf,
  type WireRow,
} from '@dnr/protocol'
import type { ChangeHistory } from '../../src/ports/change-history.ts'
import type { EntityStore } from '../../src/ports/entity-store.ts'
import { Task, type TaskRow } from './entities.ts'

export interface Write {
  readonly id: string
  /** `null` deletes. */
  readonly row: Omit<WireRow, 'id' | 'version'> | null
  readonly mutationId?: string
}

export interface MemoryStore {
  readonly store: EntityStore<typeof Task>
  readonly history: ChangeHistory
  readonly rows: ReadonlyMap<string, WireRow>
  readonly log: readonly Change[]
  /** Commits one transaction and publishes it, unless `publish` is false. */
  write(writes: readonly Write[], options?: { publish?: boolean }): readonly Change[]
  /** Publishes what was held back. */
  publishRest(): void
  trimTo(offset: number): void
  /** As a trim does, of a row that was deleted: one that is made under its id begins at version 1. */
  forgetVersion(id: string): void
  position(): Position
  sink: ChangeSink | null
  /** Awaited before each read; called with what is read. */
  gate: ((what: 'head' | 'history' | 'history read' | 'snapshot' | 'chunk') => Promise<void> | void) | null
}

export function createMemoryStore(
  options: { epoch?: string; chunkRows?: number; pageChanges?: number; maxWholeChanges?: number } = {},
): MemoryStore {
  const { epoch = 'e1' } = options
  const codec = createRowCodec(Task)
  const rows = new Map<string, WireRow>()
  // As a repository does, a row made again goes on counting where the deleted one ended.
  const versions = new Map<string, number>()
  const log: Change[] = []
  const unpublished: (readonly Change[])[] = []
  let floor = 0
  const position = (): Position => ({ epoch, offset: log.length })
  const typed = (row: WireRow): RowOf<typeof Task> => codec.decode(row)

  const memory: MemoryStore = {
    rows,
    log,
    sink: null,
    gate: null,
    position,
    trimTo(offset) {
      floor = offset
    },
    forgetVersion: (id) => void versions.delete(id),
    write(writes, { publish = true } = {}) {
      const transaction = log.length + 1
      const changes = writes.map(({ id, row, mutationId }, index): Change => {
        const before = rows.get(id) ?? null
        const version = (versions.get(id) ?? 0) + 1
        versions.set(id, version)
        const after: WireRow | null =
          row === null ? null : { secret: '', due: null, ...before, ...row, id, version }
        if (after === null) rows.delete(id)
        else rows.set(id, after)
        const operation = after === null ? 'deleted' : before === null ? 'created' : 'updated'
        const change: Change = {
          entity: 'Task',
          id,
          operation,
          version,
          before,
          after,
          mutationId: mutationId ?? null,
          actor: null,
          at: 0,
          position: { epoch, offset: log.length + 1 },
          transaction,
          last: index === writes.length - 1,
        }
        log.push(change)
        return change
      })
      unpublished.push(changes)
      if (publish) memory.publishRest()
      return changes
    },
    publishRest() {
      for (const changes of unpublished.splice(0)) void memory.sink?.publish(changes)
    },
    history: {
      async head() {
        await memory.gate?.('head')
        return position()
      },
      async read({ after, id, limit }) {
        await memory.gate?.('history')
        if (after.epoch !== epoch) return { holds: false, reason: 'unknown_epoch' }
        if (after.offset > log.length) return { holds: false, reason: 'ahead' }
        if (after.offset < floor) return { holds: false, reason: 'trimmed' }
        const wanted = log.filter(
          (change) => change.position.offset > after.offset && (id === undefined || change.id === id),
        )
        const size = Math.min(limit, options.pageChanges ?? limit)
        let end = Math.min(size, wanted.length)
        const goesOn = (): boolean =>
          end > 0 && end < wanted.length && wanted[end]?.transaction === wanted[end - 1]?.transaction
        const { maxWholeChanges = Number.POSITIVE_INFINITY } = options
        const own = log.filter(({ transaction }) => transaction === wanted[end - 1]?.transaction)
        while (own.length <= maxWholeChanges && goesOn()) end++
        const isCut = goesOn()
        const changes = wanted.slice(0, end)
        const more = end < wanted.length
        const head = position()
        await memory.gate?.('history read')
        return {
          holds: true,
          changes,
          more,
          isCut,
          position: more ? (changes.at(-1)?.position ?? after) : head,
        }
      },
    },
    store: {
      entity: Task,
      async get(id) {
        const row = rows.get(id)
        return row === undefined ? null : typed(row)
      },
      async find({ where, limit = 100 } = {}) {
        const found = [...rows.values()].filter((row) => matchesWhere(row, where ?? {}))
        return { rows: found.slice(0, limit).map(typed), next: null, position: position() }
      },
      async *snapshotChunks({ where }, { chunkCharacters = Number.POSITIVE_INFINITY } = {}) {
        await memory.gate?.('snapshot')
        const from = position()
        const ids = [...rows.keys()].sort()
        const size = options.chunkRows ?? 500
        for (let start = 0, end = 0; start === 0 || start < ids.length; start = end) {
          if (start > 0) await memory.gate?.('chunk')
          const chunk: WireRow[] = []
          let characters = 0
          for (end = start; end < start + size && characters < chunkCharacters; end++) {
            const row = rows.get(ids[end] ?? '')
            characters += JSON.stringify(row)?.length ?? 0
            if (row !== undefined) chunk.push(row)
          }
          const matching = chunk.filter((row) => matchesWhere(row, where ?? {}))
          yield { rows: matching.map(typed), position: from, more: end < ids.length }
        }
      },
      mutate: () => Promise.reject(new Error('not in this store')),
    },
  }
  return memory
}

export function task(team: string, title = 'x'): Omit<TaskRow, 'id' | 'version' | 'due' | 'secret'> {
  return { team, title }
}
