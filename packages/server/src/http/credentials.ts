import type { Credentials } from '../connection/authenticate.ts'
import { readCookies } from '../connection/read-cookies.ts'

/** What an HTTP request says of who it is: a bearer token, and its cookies. */
export function readCredentials(request: Request, url: URL, remoteAddress: string): Credentials {
  const headers: Record<string, string> = Object.fromEntries(request.headers)
  return {
    token: /^bearer +(\S+) *$/i.exec(headers['authorization'] ?? '')?.[1] ?? null,
    url: url.pathname + url.search,
    headers,
    cookies: readCookies(headers['cookie']),
    remoteAddress,
  }
}
