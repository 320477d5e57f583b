// Entities over HTTP: `(Request) => Promise<Response>`. Holds no connection and no row; says who asks, what for, and
// turns every refusal into a problem. Next: writes/ for what changes rows, the stores for what reads them.
import {
  type Clock,
  createRowCodec,
  DEFAULT_LIMITS,
  DnrError,
  type Logger,
  type Principal,
  type RowCodec,
  silentLogger,
} from '@dnr/protocol'
import { systemClock } from '@dnr/internal'
import { type Authenticator, refusedError, type Watch } from '../connection/authenticate.ts'
import type { Grant } from '../policy/grant.ts'
import type { EntityStore } from '../ports/entity-store.ts'
import { type AskedPolicies, type PrincipalNow, readUnderGrant } from '../writes/current-grant.ts'
import { nextArrival } from '../writes/refused-writes.ts'
import { notFound } from '../writes/write-gate.ts'
import type { WriteContext, WriteService } from '../writes/write-service.ts'
import { formatEtag } from './etag.ts'
import { identify } from './identify.ts'
import { jsonResponse } from './json-response.ts'
import { parseListQuery } from './list-query.ts'
import { listRows } from './list-rows.ts'
import { isServerFault, problemResponse } from './problem.ts'
import { readJsonObject } from './read-body.ts'
import { checkBasePath, METHODS, parseRoute, type Route } from './route.ts'
import { checkNoCondition, checkNoParameters, conditionOf, mutationIdOf } from './write-request.ts'
import { writeResponse } from './write-response.ts'

export interface HttpHandlerOptions {
  readonly stores: readonly EntityStore[]
  readonly policies: AskedPolicies
  readonly writes: WriteService
  /** Says who asks; the same that the sockets have. */
  readonly authenticator: Authenticator
  /** What stands before `/{Entity}`. @default '' */
  readonly basePath?: string
  /** @default silent */
  readonly logger?: Logger
  /** How long `authenticate` may take; then 503 `timeout`. `Infinity`: for ever. @default 10_000 */
  readonly handshakeTimeoutMs?: number
  /** @default the system's */
  readonly clock?: Clock
}

/** What the request itself does not say. */
export interface HttpPeer {
  readonly remoteAddress?: string
}

/** Answers requests for `{basePath}/{Entity}` and `{basePath}/{Entity}/{id}`; any other path gets 404. Never rejects. */
export type HttpHandler = (request: Request, peer?: HttpPeer) => Promise<Response>

interface Asked {
  readonly request: Request
  readonly url: URL
  readonly principal: Principal
  /** They, as long as their session lasts: a body, a rule or a store may take its time. @throws DnrError when it is over. */
  readonly principalNow: PrincipalNow
  /** Its place among connections and requests. */
  readonly arrival: number
}

type RowRoute = Extract<Route, { kind: 'row' }>

interface Shelf {
  readonly store: EntityStore
  readonly codec: RowCodec
}

/** Makes the handler of all entities. @throws DnrError `bad_option` for a `basePath` that is no path. */
export function createHttpHandler(options: HttpHandlerOptions): HttpHandler {
  const { stores, policies, writes, authenticator, logger = silentLogger } = options
  const { clock = systemClock, handshakeTimeoutMs: timeoutMs = DEFAULT_LIMITS.handshakeTimeoutMs } = options
  const basePath = checkBasePath(options.basePath ?? '')
  const shelves = new Map<string, Shelf>(
    stores.map((store) => [store.entity.name, { store, codec: createRowCodec(store.entity) }]),
  )

  const respond = async (request: Request, peer: HttpPeer | undefined): Promise<Response> => {
    const url = new URL(request.url)
    const route = parseRoute(url.pathname, basePath)
    if (route === null) throw notFound()
    const methods: readonly string[] = METHODS[route.kind]
    if (!methods.includes(request.method)) return wrongMethod(request.method, methods)
    // Servers other than ours may hand over something of their own as a second argument.
    const remoteAddress = typeof peer?.remoteAddress === 'string' ? peer.remoteAddress : ''
    const arrival = nextArrival()
    const watch = authenticator.watch()
    try {
      const principal = await identify(request, url, remoteAddress, { authenticator, clock, timeoutMs })
      const principalNow = lasting(principal, watch)
      return await perform({ request, url, principal, principalNow, arrival }, route)
    } finally {
      watch.end()
    }
  }

  const perform = (asked: Asked, route: Route): Promise<Response> => {
    const { method } = asked.request
    if (route.kind === 'rows') return method === 'POST' ? create(asked, route) : list(asked, route)
    if (method === 'PATCH') return update(asked, route)
    return method === 'DELETE' ? remove(asked, route) : read(asked, route)
  }

  const granted = async (
    entity: string,
    principalNow: PrincipalNow,
    answer: (shelf: Shelf & { readonly grant: Grant }) => Promise<Response>,
  ): Promise<Response> => {
    const shelf = shelves.get(entity)
    if (shelf === undefined) throw notFound()
    const response = await readUnderGrant(entity, principalNow, policies, async (grant) => {
      if (grant === null) throw notFound()
      return answer({ ...shelf, grant })
    })
    principalNow()
    return response
  }

  const list = ({ request, url, principalNow }: Asked, { entity }: Route): Promise<Response> =>
    granted(entity, principalNow, async ({ store, codec, grant }) => {
      const query = parseListQuery(url.searchParams, grant)
      const { rows, position, next } = await listRows(store, grant, query, request.signal)
      const shown = rows.map((row) => grant.redact(codec.encode(row)))
      return jsonResponse(200, { rows: shown, position, ...(next === null ? {} : { next }) })
    })

  const read = ({ url, principalNow }: Asked, { entity, id }: RowRoute): Promise<Response> =>
    granted(entity, principalNow, async ({ store, codec, grant }) => {
      checkNoParameters(url)
      const row = await store.get(id)
      if (row === null || !grant.sees(row)) throw notFound()
      const shown = grant.redact(codec.encode(row))
      return jsonResponse(200, shown, { etag: formatEtag(shown.version) })
    })

  const create = async (asked: Asked, { entity }: Route): Promise<Response> => {
    const { request, url } = asked
    checkNoParameters(url)
    checkNoCondition(request)
    const context = contextOf(asked)
    const fields = await readJsonObject(request)
    const answer = await writes.write(entity, { operation: 'create', fields }, context)
    return writeResponse(201, answer, `${basePath}/${entity}`)
  }

  const update = async (asked: Asked, { entity, id }: RowRoute): Promise<Response> => {
    const { request, url } = asked
    checkNoParameters(url)
    const context = contextOf(asked)
    const condition = conditionOf(request)
    const fields = await readJsonObject(request)
    return writeResponse(
      200,
      await writes.write(entity, { operation: 'update', id, fields, ...condition }, context),
    )
  }

  const remove = async (asked: Asked, { entity, id }: RowRoute): Promise<Response> => {
    const { request, url } = asked
    checkNoParameters(url)
    const context = contextOf(asked)
    return writeResponse(
      204,
      await writes.write(entity, { operation: 'delete', id, ...conditionOf(request) }, context),
    )
  }

  const refuse = (request: Request, error: unknown): Response => {
    const { method } = request
    if (request.signal.aborted) logger.debug('A request was given up by its sender.', { method })
    else if (isServerFault(error)) logger.error('An HTTP request failed.', { method, error })
    return problemResponse(error)
  }

  return async (request, peer) => {
    const response = await respond(request, peer).catch((error: unknown) => refuse(request, error))
    if (request.method !== 'HEAD') return response
    return new Response(null, { status: response.status, headers: response.headers })
  }
}

function lasting(principal: Principal, watch: Watch): PrincipalNow {
  return () => {
    const refused = watch.refusalOf(principal)
    if (refused !== null) throw refusedError(refused)
    return principal
  }
}

function contextOf({ request, principal, principalNow, arrival }: Asked): WriteContext {
  return { principal, principalNow, arrival, ...mutationIdOf(request) }
}

function wrongMethod(method: string, methods: readonly string[]): Response {
  const allow = methods.join(', ')
  const error = new DnrError('method_not_allowed', `${method} is not possible here. Methods: ${allow}.`)
  const response = problemResponse(error)
  response.headers.set('allow', allow)
  return response
}
