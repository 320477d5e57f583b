import type { DnrError } from '@dnr/protocol'

/** Where rows are kept, as far as it can say how it goes. A database of @dnr/repository fits. */
export interface StorageHealth {
  /** Does it take writes, and if not, why? Never rejects. */
  health(): Promise<{ readonly ok: boolean; readonly error: DnrError | null }>
}
