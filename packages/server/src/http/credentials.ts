import type { Credentials } from '../connection/authenticate.ts'
import { readBearer } from '../connection/read-bearer.ts'
import { readCookies } from '../connection/read-cookies.ts'

/** What an HTTP request says of who it is: a bearer token, and its cookies. */
export function readCredentials(request: Request, url: URL, remoteAddress: string): Credentials {
  const headers: Record<string, string> = Object.fromEntries(request.headers)
  return {
    token: readBearer(headers['authorization']),
    url: url.pathname + url.search,
    headers,
    cookies: readCookies(headers['cookie']),
    remoteAddress,
  }
}
