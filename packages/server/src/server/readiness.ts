// Whether a load balancer should send people here. Holds nothing; asks the storage each time.
import { type Clock, DnrError, type ErrorCode, toDnrError } from '@dnr/protocol'
import type { StorageHealth } from '../ports/storage-health.ts'

/** May people be sent here? If not, why: the body of a health check's answer. */
export type Readiness =
  | { readonly ready: true }
  | {
      readonly ready: false
      /** `draining`, or what the storage says: `storage_full`, `storage_failed`, `storage_corrupt`, … */
      readonly code: ErrorCode
      readonly message: string
      readonly retryAfterMs?: number
    }

/** What is asked. */
export interface ReadinessSources {
  readonly storage: StorageHealth | null
  readonly clock: Clock
  isDraining(): boolean
}

/** A health check that waits longer is given up by whoever asked. */
const STORAGE_TIMEOUT_MS = 2_000
/** Who is refused by a server that goes away finds another one at once. */
const DRAINING_RETRY_MS = 1_000

/** Answers within two seconds; never rejects. */
export async function readReadiness({ storage, clock, isDraining }: ReadinessSources): Promise<Readiness> {
  if (isDraining()) {
    const message = 'The server is going away: use another one.'
    return { ready: false, code: 'draining', message, retryAfterMs: DRAINING_RETRY_MS }
  }
  const error = storage === null ? null : await askStorage(storage, clock)
  if (error === null) return { ready: true }
  const { code, message, retryAfterMs } = error
  return { ready: false, code, message, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }
}

async function askStorage(storage: StorageHealth, clock: Clock): Promise<DnrError | null> {
  let cancel = (): void => {}
  const late = new Promise<DnrError>((resolve) => {
    const error = new DnrError('timeout', 'The storage does not answer.', { retryable: true })
    cancel = clock.setTimeout(() => resolve(error), STORAGE_TIMEOUT_MS)
  })
  try {
    const asked = storage.health().then(({ ok, error }) => (ok ? null : (error ?? unexplained())))
    return await Promise.race([asked, late])
  } catch (error) {
    return toDnrError(error, 'internal', 'The storage could not be asked how it goes.')
  } finally {
    cancel()
  }
}

function unexplained(): DnrError {
  return new DnrError('internal', 'The storage does not take writes and does not say why.')
}
