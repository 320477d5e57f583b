import type { AnyEntity } from '@dnr/protocol'
import type { RealtimeRepository } from '@dnr/repository'
import type { EntityStore } from '@dnr/server'

/** A repository whose snapshots are read row by row, so that something can happen behind the first. */
export function readSlowly<E extends AnyEntity>(
  repository: RealtimeRepository<E>,
  behindFirst: () => Promise<void>,
): EntityStore<E> {
  return {
    ...repository,
    async *snapshotChunks(query) {
      let isFirst = true
      for await (const chunk of repository.snapshotChunks(query, { chunkRows: 1 })) {
        yield chunk
        if (isFirst) await behindFirst()
        isFirst = false
      }
    },
  }
}
