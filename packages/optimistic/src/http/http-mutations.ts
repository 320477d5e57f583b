// Writes over the HTTP interface of @dnr/server, for pages that send nothing over a socket. Holds nothing.
import { systemClock, toJson } from '@dnr/internal'
import { type Clock, DnrError, parsePosition, type WireRow } from '@dnr/protocol'
import { signal } from '@preact/signals-core'
import type { MutationAnswer, MutationRequest, MutationTransport } from '../ports/mutation-transport.ts'
import { readProblem } from './read-problem.ts'

export interface HttpMutationsOptions {
  /** Where the entities are: `/api` for `/api/Task`. No slash at its end. */
  readonly url: string
  /** The bearer token, asked for before every request and once more after a 401. @default none is sent */
  readonly getToken?: () => string | null | Promise<string | null>
  /**
   * The forms of the rows by entity: those that the views have, so with `rows: decodeRows({ Task })` at the client the same here.
   * @default as they travel, dates as ISO text
   */
  readonly rows?: { readonly [entity: string]: { decode(row: WireRow): unknown } }
  /** How long to wait for the token and the answer before the write is sent again. @default 30_000 */
  readonly timeoutMs?: number
  /** @default the host's */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>
  /** @default the system's */
  readonly clock?: Clock
}

interface Write {
  readonly target: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

/**
 * A {@link MutationTransport} over HTTP. `connected` is always true: a failed request is how it learns of being offline.
 *
 * @example
 * const optimistic = createOptimisticManager({ transport: httpMutations({ url: '/api', getToken: () => token }) })
 */
export function httpMutations(options: HttpMutationsOptions): MutationTransport {
  const { url, getToken = () => null, timeoutMs = 30_000, rows = {}, clock = systemClock } = options
  const send = options.fetch ?? ((target: string, init: RequestInit) => fetch(target, init))

  /** What a request is made of, but for the token. */
  function write({ entity, operation, id, fields, ifVersion, mutationId }: MutationRequest): Write {
    const isCreate = operation === 'create'
    const body = isCreate ? { ...fields, id } : fields
    try {
      return {
        target: `${url}/${entity}${isCreate ? '' : `/${encodeURIComponent(id)}`}`,
        method: isCreate ? 'POST' : operation === 'update' ? 'PATCH' : 'DELETE',
        headers: {
          'Idempotency-Key': mutationId,
          ...(body && { 'Content-Type': 'application/json' }),
          ...(ifVersion !== undefined && { 'If-Match': `"${ifVersion}"` }),
        },
        ...(body && { body: toJson(body) }),
      }
    } catch (cause) {
      // No later attempt would do better.
      throw new DnrError('bad_message', `${entity} ${id} could not be written as JSON.`, { cause })
    }
  }

  /** A row as the views have it; one that cannot be read is `null`, as what is hidden: where it is shown, the view says why. */
  function decode(entity: string, row: WireRow): unknown {
    try {
      return rows[entity] ? rows[entity].decode(row) : row
    } catch {
      return null
    }
  }

  function request(
    { target, headers, ...init }: Write,
    token: string | null,
    abort: AbortSignal,
  ): Promise<Response> {
    // The token may have come when nobody waits any more, and be that of somebody else.
    abort.throwIfAborted()
    const authorization = token !== null && { Authorization: `Bearer ${token}` }
    return send(target, { ...init, headers: { ...headers, ...authorization }, signal: abort })
  }

  async function exchange(mutation: MutationRequest, abort: AbortSignal): Promise<MutationAnswer> {
    const written = write(mutation)
    const token = await getToken()
    let response = await request(written, token, abort)
    if (response.status === 401) {
      const renewed = await getToken()
      if (renewed !== token) response = await request(written, renewed, abort)
    }
    const read = (wire: WireRow): unknown => decode(mutation.entity, wire)
    if (!response.ok) throw await readProblem(response, mutation, clock.now(), read)
    const position = parsePosition(response.headers.get('DNR-Position') ?? '')
    const row = response.status === 204 ? null : read((await response.json()) as WireRow)
    return {
      row,
      position: position.ok ? position.value : null,
      visible: row !== null || mutation.operation === 'delete',
    }
  }

  return {
    connected: signal(true),
    async mutate(mutation, { signal: outer } = {}) {
      const abort = new AbortController()
      // Who is asked for a token need not end by themselves, nor a fetch of one's own.
      const ended = new Promise<never>((_, reject) =>
        abort.signal.addEventListener('abort', () => reject(abort.signal.reason as Error)),
      )
      const forward = (): void => abort.abort()
      if (outer?.aborted) forward()
      outer?.addEventListener('abort', forward)
      let isLate = false
      const cancelTimer = clock.setTimeout(() => {
        isLate = true
        abort.abort()
      }, timeoutMs)
      try {
        return await Promise.race([exchange(mutation, abort.signal), ended])
      } catch (cause) {
        if (cause instanceof DnrError) throw cause
        if (isLate)
          throw new DnrError('timeout', `No answer within ${timeoutMs} ms.`, { retryable: true, cause })
        if (outer?.aborted)
          throw new DnrError('cancelled', 'The write was cancelled; it may have been stored.', { cause })
        throw new DnrError('disconnected', 'The server could not be reached, or its answer not read.', {
          retryable: true,
          cause,
        })
      } finally {
        cancelTimer()
        outer?.removeEventListener('abort', forward)
      }
    },
  }
}
