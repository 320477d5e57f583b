// Whether the storage takes writes. Holds the last trouble with it; learns of it from the write queue and the reads.
import { describeError } from '@dnr/internal'
import type { DnrError, ErrorCode, Logger } from '@dnr/protocol'
import { storageError } from './storage-error.ts'

/** Remembers what the storage last refused, until it works again. */
export interface StorageHealth {
  /** A write reached the log. It clears every trouble but a damaged file, which other pages say nothing about. */
  worked(): void
  /** Something failed. What is not the storage's own trouble (a refused field, a lock) changes nothing. */
  failed(error: unknown): void
  readonly error: DnrError | null
}

const TROUBLES: ReadonlySet<ErrorCode> = new Set(['storage_full', 'storage_failed', 'storage_corrupt'])

/** Makes the memory of one database; says in the log when trouble begins and when it is over. */
export function createStorageHealth(logger: Logger): StorageHealth {
  let trouble: DnrError | null = null
  return {
    worked() {
      if (trouble === null || trouble.code === 'storage_corrupt') return
      trouble = null
      logger.info('The database takes writes again.')
    },
    failed(thrown) {
      const error = storageError(thrown)
      if (!TROUBLES.has(error.code) || trouble?.code === 'storage_corrupt') return
      if (trouble?.code !== error.code)
        logger.error('The database is in trouble.', { error: describeError(error) })
      trouble = error
    },
    get error() {
      return trouble
    },
  }
}
