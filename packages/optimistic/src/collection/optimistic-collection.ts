// Third station of a write's way to the screen: the rows of one view with the overlay merged in, and the calls by which an
// application writes. Holds the merged array. Next: the application.
import { DnrError } from '@dnr/protocol'
import { computed, effect, type ReadonlySignal } from '@preact/signals-core'
import type { MutationQueue } from '../mutation/mutation-queue.ts'
import {
  type ConflictResolver,
  createMutation,
  isStored,
  type Mutation,
  type Operation,
  type OptimisticMutation,
} from '../mutation/mutation.ts'
import type { ConfirmedRows, VersionedRow } from '../ports/confirmed-rows.ts'
import {
  type EntityOverlay,
  type Lane,
  laneOf,
  rowBefore,
  rowIn,
  touchOverlay,
  type View,
} from '../rebase/entity-overlay.ts'
import { mergeRows, type RowEdit } from '../rebase/merge-rows.ts'
import {
  cleanFields,
  combinePatches,
  creates,
  deletes,
  type Fields,
  type Step,
  type Updater,
  updates,
} from '../rebase/replay.ts'
import type { FailedMutation } from '../mutation/failed-mutations.ts'

/** Fields to change: the named ones of the row, whatever else its type would allow. */
export type Patch<Row> = {
  readonly [
    Field in keyof Row as string extends Field ? never : Exclude<Field, 'id' | 'version'>
  ]?: Row[Field]
}

/** Fields of a new row; what is left out is for `draft` to show and for the server to store. */
export type NewRow<Row> = Patch<Row> & { readonly id?: string }

/** Options of one write. */
export interface WriteOptions {
  /** `false`: nothing is shown before the server has stored the write. @default true */
  readonly optimistic?: boolean
}

export interface UpdateOptions extends WriteOptions {
  /** Send the version that the change was made on, so that a conflict is noticed. @default that of the collection */
  readonly ifVersion?: boolean
}

export interface OptimisticCollectionOptions<Row> {
  /**
   * Fields that a created row shows until the server's answer, beside those given: what the server would fill in. They are
   * not sent. @default none
   */
  readonly draft?: (fields: NewRow<Row>) => Patch<Row>
  /**
   * Send with each update the version that it was made on. When the row has moved on, fields that nobody else changed are
   * merged by themselves; the others are for `resolve`. `false`: the last write of a field wins.
   * @default true with `resolve` and for updater functions, otherwise false
   */
  readonly ifVersion?: boolean
  /**
   * Decides when somebody else changed a field that I write: `base` is the row that I changed (`undefined` when it was not
   * loaded), `local` what I made of it, `remote` the row as it is now. The fields returned are written on top of `remote`;
   * `{}` keeps theirs, `null` gives the write up: it fails with `version_conflict`. Only this record waits meanwhile. @default my fields again
   */
  readonly resolve?: (
    base: Row | undefined,
    local: Row,
    remote: Row,
  ) => Patch<Row> | null | Promise<Patch<Row> | null>
}

/** What to mark a row with. */
export interface PendingMark {
  /** Mutations of the row that are not known to be stored. */
  readonly count: number
  /** `failed`: there is something in `failed`; `acked`: stored, a view has not caught up; `synced`: nothing is pending. */
  readonly state: 'failed' | 'pending' | 'acked' | 'synced'
}

/**
 * Confirmed rows with the pending mutations of their entity replayed over them, whichever collection those were made through.
 */
export interface OptimisticCollection<Row> {
  readonly entity: string
  /** Sorted and filtered as the confirmed rows are. Rows that did not change keep their identity. */
  readonly rows: ReadonlySignal<readonly Row[]>
  readonly status: ReadonlySignal<string>
  byId(id: string): Row | undefined
  /**
   * Adds a row, shown at once.
   *
   * @throws DnrError `row_exists` when the id is taken here, `bad_field` when it is no id, `closed`.
   */
  create(fields: NewRow<Row>, options?: WriteOptions): OptimisticMutation<Row>
  /**
   * Changes fields, shown at once. A function gets the row as it is at that moment, is called again whenever that row changes
   * before the write is sent, and has to be pure. A row that is not loaded is changed on the server alone.
   *
   * @throws DnrError `row_absent` when the row is deleted here, or not loaded and the patch a function; `bad_field` when the id
   * would change or nothing is given; `closed`.
   */
  update(
    id: string,
    patch: Patch<Row> | ((row: Row) => Patch<Row>),
    options?: UpdateOptions,
  ): OptimisticMutation<Row>
  /**
   * Takes a row away at once. What was created and not sent yet is never sent.
   *
   * @throws DnrError `row_absent` when the row is deleted here already; `closed`.
   */
  delete(id: string, options?: WriteOptions): OptimisticMutation<Row>
  /** What is pending for a row. Read inside an effect or a computed it is followed as a signal is. */
  pendingOf(id: string): PendingMark
  /** Refused mutations of the entity, oldest first, until they are retried or discarded. */
  readonly failed: ReadonlySignal<readonly FailedMutation[]>
  /** Stops showing and writing. Mutations on their way go on and settle. The confirmed rows stay open. */
  close(): void
}

export interface CollectionParts {
  readonly confirmed: ConfirmedRows<VersionedRow>
  readonly options: OptimisticCollectionOptions<never>
  readonly overlay: EntityOverlay
  readonly queue: MutationQueue
  readonly failed: ReadonlySignal<readonly FailedMutation[]>
  createId(): string
  /** Stands for the batch that is running, `null` outside. */
  currentBatch(): object | null
}

export function createOptimisticCollection(parts: CollectionParts): OptimisticCollection<VersionedRow> {
  const { confirmed, options, overlay, queue, createId, currentBatch } = parts
  const { entity } = overlay
  const view: View = { confirmed, overlay, close }

  overlay.views.add(view)
  const stopListening = confirmed.onBatch((batch) => queue.applied(view, batch))
  const stopWatching = effect(() => {
    void confirmed.status.value
    queue.applied(view)
  })
  const failed = computed(() => parts.failed.value.filter((each) => each.entity === entity))

  function close(): void {
    if (!overlay.views.delete(view)) return
    stopListening()
    stopWatching()
    touchOverlay(overlay)
    queue.applied(view)
  }

  /** The lane of a record that can be written. */
  function openLane(id: string): Lane {
    if (overlay.views.has(view)) return laneOf(overlay, id)
    throw new DnrError('closed', `The collection of ${entity} is closed.`)
  }

  /** The row that is to change; one that is only not loaded can, unless it `isNeeded`. */
  function rowToChange(lane: Lane, isNeeded: boolean): VersionedRow | undefined {
    const row = rowBefore(lane)
    const isDeleted = lane.mutations.at(-1)?.operation === 'delete'
    if (row || !(isDeleted || isNeeded)) return row
    throw new DnrError('row_absent', `${entity} ${lane.id} is ${isDeleted ? 'deleted here' : 'not loaded'}.`)
  }

  function write(
    operation: Operation,
    lane: Lane,
    step: Step,
    patches: readonly (Fields | Updater)[],
    base: VersionedRow | undefined,
    { optimistic }: WriteOptions = {},
    usesVersion = false,
  ): Mutation {
    const resolve = options.resolve as ConflictResolver | undefined
    const mutation = createMutation({
      operation,
      lane,
      step,
      patches,
      id: lane.id,
      mutationId: createId(),
      batch: currentBatch(),
      isHidden: optimistic === false,
      usesVersion,
      resolve,
      base,
    })
    queue.enqueue(mutation)
    return mutation
  }

  /** Adds a patch to the last mutation of the record, when it was made in the same batch and can still take one. */
  function amend({ mutations }: Lane, patch: Fields | Updater, usesVersion: boolean): Mutation | undefined {
    const last = mutations.at(-1)
    if (!last?.batch || last.batch !== currentBatch() || last.life.status !== 'queued') return undefined
    const created = last.operation === 'create' && last.step(undefined)
    const added = created ? combinePatches(created, [patch]) : patch
    last.patches = [...last.patches, added]
    last.step = created ? creates({ ...created, ...(added as Fields) }) : updates(last.patches)
    // One that asks for the version has it sent for all of them: they are stored together.
    last.usesVersion ||= usesVersion
    queue.changed(last.lane)
    return last
  }

  return {
    entity,
    failed,
    close,
    rows: createMergedRows(view),
    status: confirmed.status,
    byId: (id) => rowIn(view, id),
    create(input, writeOptions) {
      const { id = createId() } = input
      if (typeof id !== 'string' || !id) throw new DnrError('bad_field', `The id of ${entity} is a text.`)
      const lane = openLane(id)
      if (rowBefore(lane)) throw new DnrError('row_exists', `${entity} ${id} exists already: update it.`)
      const fields = cleanFields(input)
      const row = { ...cleanFields(options.draft?.(input as never) ?? {}), ...fields, id, version: 0 }
      return write('create', lane, creates(row), [fields], undefined, writeOptions)
    },
    update(id, input: Fields | Updater, writeOptions = {}) {
      const lane = openLane(id)
      const isComputed = typeof input === 'function'
      const patch = isComputed ? input : cleanFields(input)
      if (!isComputed && ((input['id'] ?? id) !== id || Object.keys(patch).length === 0)) {
        throw new DnrError('bad_field', `An update of ${entity} ${id} needs a field, and keeps the id.`)
      }
      const base = rowToChange(lane, isComputed)
      const { ifVersion = options.ifVersion ?? (!!options.resolve || isComputed) } = writeOptions
      const patches = [patch]
      return (
        amend(lane, patch, ifVersion) ??
        write('update', lane, updates(patches), patches, base, writeOptions, ifVersion)
      )
    },
    delete(id, writeOptions) {
      const lane = openLane(id)
      let base = rowToChange(lane, false)
      const unsent = lane.mutations.find(({ operation, fields }) => operation === 'create' && !fields)
      if (unsent) {
        const error = new DnrError('cancelled', `${entity} ${id} was deleted before it was sent.`)
        queue.refuse(unsent, error, false)
        base = rowBefore(lane)
      }
      const deletion = write('delete', lane, deletes, [], base, writeOptions)
      if (unsent && !base) queue.stored(deletion, null, null)
      return deletion
    },
    pendingOf(id) {
      void overlay.revision.value
      const { mutations } = laneOf(overlay, id)
      const count = mutations.filter((each) => !isStored(each)).length
      const isFailed = failed.value.some((each) => each.id === id)
      return {
        count,
        state: isFailed ? 'failed' : count > 0 ? 'pending' : mutations.length > 0 ? 'acked' : 'synced',
      }
    },
  }
}

/** The merged array: made once per flush and only when it is read; the same array when nothing in it changed. */
function createMergedRows(view: View): ReadonlySignal<readonly VersionedRow[]> {
  const { confirmed, overlay } = view
  const all = confirmed.allRows ?? confirmed.rows
  let shown: readonly VersionedRow[] = []
  let from: readonly VersionedRow[] = []
  let last: readonly unknown[] = []

  return computed(() => {
    void overlay.revision.value
    const edits: RowEdit<VersionedRow>[] = []
    const edited: unknown[] = []
    for (const id of overlay.lanes.keys()) {
      const base = confirmed.byId(id)
      const row = rowIn(view, id)
      if (base === row) continue
      edits.push({ base, row })
      edited.push(base, row)
    }
    const rows = edits.length > 0 ? all.value : confirmed.rows.value
    const isSame = rows === from && isSameList(edited, last)
    from = rows
    last = edited
    if (isSame) return shown
    const next = edits.length > 0 ? mergeRows(rows, edits, confirmed.compare, confirmed.limit) : rows
    return (shown = isSameList(next, shown) ? shown : next)
  })
}

function isSameList(a: readonly unknown[], b: readonly unknown[]): boolean {
  let index = a.length
  if (index !== b.length) return false
  while (index > 0 && a[index - 1] === b[index - 1]) index--
  return index === 0
}
