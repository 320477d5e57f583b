import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { type AllowedOrigins, isOriginAllowed } from '../../src/transport/origin.ts'

const APP = 'https://app.example.com'
const list: AllowedOrigins = [APP]

test.each<
  [origins: AllowedOrigins | undefined, origin: string | undefined, cookie: boolean, allowed: boolean]
>([
  // No list: every page, but with cookies only the own one.
  [undefined, undefined, false, true],
  [undefined, undefined, true, false],
  [undefined, 'https://evil.example', false, true],
  [undefined, 'https://evil.example', true, false],
  [undefined, APP, true, true],
  [undefined, 'null', true, false],
  [undefined, 'not a url', true, false],
  [undefined, 'https://app.example.com.evil.example', true, false],
  [undefined, 'https://app.example.com:8443', true, false],
  // A list is exact, with and without cookies.
  [list, APP, false, true],
  [list, APP, true, true],
  [list, 'https://evil.example', false, false],
  [list, 'https://app.example.com.evil.example', false, false],
  [list, 'https://xapp.example.com', false, false],
  [list, 'http://app.example.com', false, false],
  [list, 'null', false, false],
  [list, undefined, false, true],
  [list, undefined, true, false],
  // Everybody.
  ['*', 'https://evil.example', true, true],
])('origins %j, Origin %s, cookies %s: %s', (origins, origin, cookie, allowed) => {
  const headers = { host: 'app.example.com', origin, cookie: cookie ? 'a=b' : undefined }
  expect(isOriginAllowed({ headers } as unknown as IncomingMessage, origins)).toBe(allowed)
})
