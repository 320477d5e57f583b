// An upgrade request as the server's Handshake.
import type { IncomingMessage } from 'node:http'
import { SUBPROTOCOL } from '@dnr/protocol'
import { readCookies } from '../connection/read-cookies.ts'
import type { Handshake } from '../ports/server-socket.ts'

const BEARER = 'bearer.'

/** Path and query of a request target, `null` when it is none. */
export function readTarget(
  url: string | undefined,
): { readonly path: string; readonly query: URLSearchParams } | null {
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

/** What is known of a connection from its request. */
export function readHandshake(
  request: IncomingMessage,
  query: URLSearchParams,
  remoteAddress: string,
): Handshake {
  const { headers, url = '' } = request
  return {
    url,
    headers,
    cookies: readCookies(headers.cookie),
    token: readToken(request, query),
    remoteAddress,
  }
}

function readToken({ headers }: IncomingMessage, query: URLSearchParams): string | null {
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((protocol) => protocol.trim())
  const bearer = offered.find((protocol) => protocol.startsWith(BEARER))
  if (bearer !== undefined) return bearer.slice(BEARER.length)
  const fromQuery = query.get('token')
  if (fromQuery !== null && fromQuery !== '') return fromQuery
  const { authorization } = headers
  return authorization !== undefined && /^bearer /i.test(authorization)
    ? authorization.slice('bearer '.length).trim()
    : null
}
