// May a page of this origin connect? Browsers send cookies along from any page, so that the page has to be asked for.
import type { IncomingHttpHeaders } from 'node:http'
import { DnrError } from '@dnr/protocol'

/** Origins that may connect, compared exactly: `https://app.example.com`. */
export type AllowedOrigins = readonly string[] | '*'

/** `without cookies`: it may, as far as a token says who it is. */
export type OriginVerdict = 'yes' | 'without cookies' | 'no'

/**
 * | Origin | a list | no list | `*` |
 * | --- | --- | --- | --- |
 * | in the list, or without a list that of the own host | yes | yes | yes |
 * | another | no | yes when there are no cookies | yes |
 * | `null` (sandboxed frames, files) | no | no | yes |
 * | none: no browser | yes when there are no cookies | the same | yes |
 *
 * Where cookies are in the way but a token is there as well, it is the token that counts: `without cookies`.
 */
export function judgeOrigin(
  { origin, cookie, host }: IncomingHttpHeaders,
  hasToken: boolean,
  origins: AllowedOrigins | undefined,
): OriginVerdict {
  if (origins === '*') return 'yes'
  const isTrusted =
    origins === undefined
      ? origin !== undefined && hostOf(origin) === host?.toLowerCase()
      : includes(origins, origin)
  if (isTrusted) return 'yes'
  if (origin === 'null' || (origin !== undefined && origins !== undefined)) return 'no'
  if (cookie === undefined) return 'yes'
  return hasToken ? 'without cookies' : 'no'
}

function includes(origins: readonly string[], origin: string | undefined): boolean {
  return origin !== undefined && origins.includes(origin)
}

/** @throws DnrError `bad_option` for an entry that no browser's Origin equals. */
export function checkOrigins(origins: AllowedOrigins | undefined): void {
  if (origins === undefined || origins === '*') return
  const wrong = origins.find((origin) => !/^[a-z][a-z0-9+.-]*:\/\/[^/?#\s*A-Z]+$/.test(origin))
  if (wrong === undefined) return
  throw new DnrError(
    'bad_option',
    `origins has "${wrong}": expected scheme, host and port as browsers send them, such as "https://app.example.com".`,
  )
}

function hostOf(origin: string): string | null {
  try {
    return new URL(origin).host
  } catch {
    return null
  }
}
