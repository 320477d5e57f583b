// What comes from outside is looked at in time that grows with its length, whatever is in it.
import { parseChannel } from '@dnr/protocol'
import { parseClientMessage } from '@dnr/protocol/schemas'
import { expect, test } from 'vitest'
import { readBearer } from '../../src/connection/read-bearer.ts'
import { readCookies } from '../../src/connection/read-cookies.ts'
import { parseIfMatch } from '../../src/http/etag.ts'
import { readTarget } from '../../src/transport/read-handshake.ts'

/** As long as a frame may be. A pattern that goes back over it for each character would need seconds, or years. */
const LENGTH = 65_536
const LIMIT_MS = 300

const PARTS = [
  'a',
  ' ',
  '-',
  '.',
  ':',
  ';',
  '=',
  ',',
  '/',
  '%41',
  '\\',
  '"',
  '0',
  'a ',
  'a=a;',
  '""',
  'W/',
  '\u00e9',
]
const texts = PARTS.flatMap((part) => {
  const long = part.repeat(Math.ceil(LENGTH / part.length))
  return [long, `${long}!`, `bearer ${long} ! !`, `"${long}`, `entity:Task:${long}`, `/ws?token=${long}`]
})

const frame =
  (fieldsOf: (text: string) => object) =>
  (text: string): unknown =>
    parseClientMessage(JSON.stringify({ type: 'subscribe', channel: 'entity:Task', ...fieldsOf(text) }))

const looks: readonly (readonly [string, (text: string) => unknown])[] = [
  ['a frame', parseClientMessage],
  ['a channel', parseChannel],
  ['the channel of a frame', frame((channel) => ({ channel }))],
  ['the type of a frame', frame((type) => ({ type }))],
  ['a request id', frame((requestId) => ({ requestId }))],
  ['a key of a subscription', frame((subscription) => ({ payload: { subscription } }))],
  ['a field of a query', frame((field) => ({ payload: { query: { where: { [field]: 1 } } } }))],
  ['a position', frame((epoch) => ({ payload: { position: { epoch, offset: 1 } } }))],
  ['an Authorization header', readBearer],
  ['a Cookie header', readCookies],
  ['an If-Match header', (text) => attempt(() => parseIfMatch(text))],
  ['a request target', readTarget],
]

function attempt(look: () => unknown): unknown {
  try {
    return look()
  } catch (error) {
    return error
  }
}

test.each(looks)('%s of 64 KiB is read in a moment, whatever is in it', (_what, look) => {
  for (const text of texts) {
    const startedAt = performance.now()
    look(text)
    expect(performance.now() - startedAt).toBeLessThan(LIMIT_MS)
  }
})
