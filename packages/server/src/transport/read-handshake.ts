// An upgrade request as the server's Handshake.
import type { IncomingMessage } from 'node:http'
import { SUBPROTOCOL } from '@dnr/protocol'
import { readBearer } from '../connection/read-bearer.ts'
import { readCookies } from '../connection/read-cookies.ts'
import type { Handshake } from '../ports/server-socket.ts'

const BEARER = 'bearer.'

export interface Target {
  readonly path: string
  readonly query: URLSearchParams
}

/** Path and query of a request target, `null` when it is none. */
export function readTarget(url: string | undefined): Target | null {
  if (url === undefined || !url.startsWith('/') || url.startsWith('//')) return null
  const mark = url.indexOf('?')
  const path = mark === -1 ? url : url.slice(0, mark)
  try {
    decodeURIComponent(url)
    return { path, query: new URLSearchParams(mark === -1 ? '' : url.slice(mark + 1)) }
  } catch {
    return null
  }
}

/** The subprotocol to select among those offered; that with the token is never it. */
export function selectSubprotocol(offered: ReadonlySet<string>): string | false {
  return offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false
}

/** What is known of a connection from its request. The URL says nothing of the token: applications like to log it. */
export function readHandshake(request: IncomingMessage, target: Target, remoteAddress: string): Handshake {
  const { headers } = request
  const query = new URLSearchParams(target.query)
  query.delete('token')
  return {
    url: query.size === 0 ? target.path : `${target.path}?${query.toString()}`,
    headers,
    cookies: readCookies(headers.cookie),
    token: readToken(request, target.query),
    remoteAddress,
  }
}

/** The same of a page that may not use the cookies its browser sent along. */
export function withoutCookies(handshake: Handshake): Handshake {
  const { cookie: _, ...headers } = handshake.headers
  return { ...handshake, headers, cookies: new Map() }
}

function readToken({ headers }: IncomingMessage, query: URLSearchParams): string | null {
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((protocol) => protocol.trim())
  const bearer = offered.find((protocol) => protocol.startsWith(BEARER))?.slice(BEARER.length)
  return bearer || query.get('token') || readBearer(headers.authorization)
}
