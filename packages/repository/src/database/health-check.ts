// What `database.health()` answers. Holds the one probe that is under way.
import type { DnrError, Position } from '@dnr/protocol'
import { checkCapture } from '../capture/check-capture.ts'
import { readHeadPosition } from '../change-log/epochs.ts'
import { systemTables } from '../change-log/log-tables.ts'
import type { WriteQueue } from '../write/write-queue.ts'
import { compileStatement } from './compile.ts'
import type { DatabaseHealth } from './realtime-database.ts'
import type { Reads } from './reads.ts'
import { storageError } from './storage-error.ts'
import type { StorageHealth } from './storage-health.ts'
import type { WalWatch } from './wal-watch.ts'

/** What {@link createHealthCheck} asks. */
export interface HealthSources {
  readonly storage: StorageHealth
  readonly queue: WriteQueue
  readonly wal: WalWatch
  readonly reads: Reads
  /** What is wrong with the file itself. */
  readonly checkFile: () => DnrError | null
}

/** As much as a row with its two images; what is smaller may still fit where nothing else does. */
const PROBE_BYTES = 16_384

// Among the answers to mutations, where nobody looks for it: all others are a user's or a guest's.
const insertProbe = compileStatement<{ now: number; text: string }, unknown>((param) =>
  systemTables.replaceInto('dnr_mutations').values({
    scope: 'probe',
    mutation_id: 'probe',
    fingerprint: '',
    answer: param('text'),
    version: 0,
    offset: 0,
    at: param('now'),
  }),
)
const deleteProbe = compileStatement<object, unknown>(() =>
  systemTables.deleteFrom('dnr_mutations').where('scope', '=', 'probe'),
)

/** Makes the check of one database. */
export function createHealthCheck({
  storage,
  queue,
  wal,
  reads,
  checkFile,
}: HealthSources): () => Promise<DatabaseHealth> {
  let probing: Promise<void> | null = null

  /** Tries a write; what it fails with is in `storage` by then. */
  const tryWrite = async (): Promise<void> => {
    try {
      const text = 'x'.repeat(PROBE_BYTES)
      await queue.write(({ connection, now }) => connection.run(insertProbe, { now, text }))
      // In a transaction of its own: what is gone before the COMMIT needs no room.
      await queue.write(({ connection }) => connection.run(deleteProbe, {}))
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
      ;[position, error] = await reads.read((connection) => [
        readHeadPosition(connection),
        checkFile() ?? checkCapture(connection),
      ])
      // A damaged file is not written to: it waits for whoever rescues it.
      if (storage.error !== null && storage.error.code !== 'storage_corrupt') await (probing ??= tryWrite())
    } catch (thrown) {
      error = storageError(thrown)
    }
    error ??= storage.error
    return { ok: error === null, error, position, queuedWrites: queue.length, walBytes: wal.bytes() }
  }
}
