// May a page of this origin connect? Browsers send cookies along from any page, so that the page has to be asked for.
import type { IncomingMessage } from 'node:http'

/** Origins that may connect, compared exactly: `https://app.example.com`. */
export type AllowedOrigins = readonly string[] | '*'

/**
 * `true` when the upgrade may go on.
 *
 * With a list: the origin is in it. Without: any, unless there are cookies; then the page's own host alone. A request
 * without an Origin is no browser's, and is let through unless it has cookies. `*` is everybody, cookies or not.
 */
export function isOriginAllowed(request: IncomingMessage, origins: AllowedOrigins | undefined): boolean {
  const { origin, cookie, host } = request.headers
  if (origins === '*') return true
  if (origin === undefined) return cookie === undefined
  if (origins !== undefined) return origins.includes(origin)
  return cookie === undefined || hostOf(origin) === host?.toLowerCase()
}

function hostOf(origin: string): string | null {
  try {
    return new URL(origin).host
  } catch {
    return null
  }
}
