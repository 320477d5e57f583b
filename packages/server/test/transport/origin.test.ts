import { DnrError } from '@dnr/protocol'
import { expect, test } from 'vitest'
import {
  type AllowedOrigins,
  checkOrigins,
  judgeOrigin,
  type OriginVerdict,
} from '../../src/transport/origin.ts'

const APP = 'https://app.example.com'
const EVIL = 'https://evil.example'
const list: AllowedOrigins = [APP]

/** The verdicts: nothing sent along, cookies alone, a token alone, both. */
type Row = readonly [
  origins: AllowedOrigins | undefined,
  origin: string | undefined,
  verdicts: readonly [OriginVerdict, OriginVerdict, OriginVerdict, OriginVerdict],
]

const never = ['no', 'no', 'no', 'no'] as const
const always = ['yes', 'yes', 'yes', 'yes'] as const
const withoutCookies = ['yes', 'no', 'yes', 'without cookies'] as const

test.each<Row>([
  // No list: every page, but cookies only those of the own one.
  [undefined, APP, always],
  [undefined, EVIL, withoutCookies],
  [undefined, `${APP}.evil.example`, withoutCookies],
  [undefined, 'https://xapp.example.com', withoutCookies],
  [undefined, `${APP}:8443`, withoutCookies],
  [undefined, 'not a url', withoutCookies],
  [undefined, '', withoutCookies],
  [undefined, 'null', never],
  // No Origin is no browser: cookies alone might be a browser's nevertheless.
  [undefined, undefined, withoutCookies],
  // A list is exact.
  [list, APP, always],
  [list, EVIL, never],
  [list, `${APP}.evil.example`, never],
  [list, 'https://xapp.example.com', never],
  [list, 'http://app.example.com', never],
  [list, `${APP}:443`, never],
  [list, `${APP}/`, never],
  [list, 'HTTPS://APP.EXAMPLE.COM', never],
  [list, '', never],
  [list, 'null', never],
  [list, undefined, withoutCookies],
  [[], APP, never],
  // Everybody.
  ['*', EVIL, always],
  ['*', 'null', always],
  ['*', undefined, always],
])('origins %j, Origin %s: %j', (origins, origin, verdicts) => {
  const judged = [false, true].flatMap((hasToken) =>
    [undefined, 'sid=1'].map((cookie) =>
      judgeOrigin({ host: 'App.example.com', origin, cookie }, hasToken, origins),
    ),
  )
  expect(judged).toEqual(verdicts)
})

test.each([
  ['null'],
  ['https://app.example.com/'],
  ['app.example.com'],
  ['https://*.example.com'],
  ['HTTPS://A'],
  [''],
])('an entry that no Origin ever equals is refused by name: %s', (origin) => {
  expect(() => checkOrigins([APP, origin])).toThrow(DnrError)
  expect(() => checkOrigins([APP, origin])).toThrow(`"${origin}"`)
})

test.each([[APP], ['http://localhost:5173'], ['capacitor://localhost'], ['http://[::1]:3000']])(
  'an origin is taken: %s',
  (origin) => {
    expect(() => checkOrigins([origin])).not.toThrow()
    expect(() => checkOrigins('*')).not.toThrow()
    expect(() => checkOrigins(undefined)).not.toThrow()
  },
)
