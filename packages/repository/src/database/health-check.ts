// What `database.health()` answers. Holds the one probe that is under way.
import type { DnrError, Position } from '@dnr/protocol'
import { systemTables } from '../change-log/log-tables.ts'
import type { WriteQueue } from '../write/write-queue.ts'
import { compileStatement } from './compile.ts'
import type { DatabaseHealth } from './realtime-database.ts'
import { storageError } from './storage-error.ts'
import type { StorageHealth } from './storage-health.ts'
import type { WalWatch } from './wal-watch.ts'

/** What {@link createHealthCheck} asks. */
export interface HealthSources {
  readonly storage: StorageHealth
  readonly queue: WriteQueue
  readonly wal: WalWatch
  head(): Promise<Position>
}

// The time makes it a change: SQLite would not write a value that is there already.
const probe = compileStatement<{ now: number }, unknown>((param) =>
  systemTables
    .insertInto('dnr_meta')
    .values({ name: 'probed', value: param('now') })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ value: param('now') })),
)

/** Makes the check of one database. */
export function createHealthCheck({
  storage,
  queue,
  wal,
  head,
}: HealthSources): () => Promise<DatabaseHealth> {
  let probing: Promise<void> | null = null

  /** Tries a write; what it fails with is in `storage` by then. */
  const tryWrite = async (): Promise<void> => {
    try {
      await queue.write(({ connection, now }) => connection.run(probe, { now }))
      storage.worked()
    } catch {
      // Still in trouble, which is known already.
    } finally {
      probing = null
    }
  }

  return async () => {
    let position: Position | null = null
    let error: DnrError | null = null
    try {
      position = await head()
      // A damaged file is not written to: it waits for whoever rescues it.
      if (storage.error !== null && storage.error.code !== 'storage_corrupt') await (probing ??= tryWrite())
    } catch (thrown) {
      error = storageError(thrown)
    }
    error ??= storage.error
    return { ok: error === null, error, position, queuedWrites: queue.length, walBytes: wal.bytes() }
  }
}
