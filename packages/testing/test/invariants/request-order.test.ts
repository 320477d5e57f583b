import { expect, test } from 'vitest'
import { createInvariantChecker, type Link } from '../../src/index.ts'
import { violated } from './violated.ts'

const channel = 'room:red'
const link = { name: 'ann#1', host: 'ann', isAlive: true } as Link

/** `→` before what the client says, `←` before what the server answers; then type, `requestId` and key, `-` for none. */
function play(...frames: readonly string[]) {
  const checker = createInvariantChecker({ rightsOf: () => null })
  checker.opened?.(link)
  const found = violated(() => {
    for (const frame of frames) {
      const [direction, type, id = '-', key = '-', ended] = frame.split(' ')
      const [requestId, subscription] = [id, key].map((each) => (each === '-' ? undefined : each))
      const address = { type, channel, requestId }
      if (direction === '→')
        checker.received?.(link, JSON.stringify({ ...address, payload: { subscription } }))
      else
        checker.sent?.(link, JSON.stringify({ ...address, subscription, payload: {}, ended: ended && true }))
    }
  })
  return found ?? violated(() => checker.atRest([]))
}

test.each<[string, readonly string[]]>([
  ['in a row', ['→ subscribe 1', '→ unsubscribe 2', '← subscribed 1', '← unsubscribed 2']],
  [
    'of other keys in any order',
    ['→ subscribe 1 a', '→ unsubscribe 2 b', '← unsubscribed 2 b', '← subscribed 1 a'],
  ],
  [
    'to an id that was used again',
    ['→ unsubscribe u a', '→ unsubscribe u b', '← unsubscribed u b', '← unsubscribed u a'],
  ],
  [
    'and what is told meanwhile',
    ['→ subscribe 1', '← subscribed 1', '← message', '→ subscribe 2', '← message', '← subscribed 2'],
  ],
  [
    'after an end',
    ['→ subscribe 1', '← subscribed 1', '← error - - ended', '→ subscribe 2', '← subscribed 2', '← message'],
  ],
  ['without ids', ['→ unsubscribe', '← unsubscribed', '→ subscribe', '← subscribed', '← message']],
  ['and a refusal of what has no id', ['→ unsubscribe 1', '← unsubscribed 1', '→ message', '← error']],
])('answers are right %s', (_, frames) => {
  expect(play(...frames)).toBeNull()
})

test.each<[string, readonly string[]]>([
  ['overtakes an earlier one', ['→ subscribe 1', '→ unsubscribe 2', '← unsubscribed 2']],
  [
    'overtakes one between',
    ['→ subscribe 1', '→ subscribe 2', '→ unsubscribe 3', '← subscribed 1', '← unsubscribed 3'],
  ],
  ['comes twice', ['→ subscribe 1', '← subscribed 1', '← subscribed 1']],
  ['is of no question', ['← subscribed 1']],
  ['never comes', ['→ subscribe 1']],
  ['never comes a second time', ['→ unsubscribe u a', '→ unsubscribe u b', '← unsubscribed u a']],
])('it is wrong when an answer %s', (_, frames) => {
  expect(play(...frames)).toBe('S12')
})

test.each<[string, readonly string[]]>([
  [
    'its end was answered',
    ['→ subscribe 1', '→ unsubscribe 2', '← subscribed 1', '← unsubscribed 2', '← message'],
  ],
  ['it was ended unasked', ['→ subscribe 1', '← subscribed 1', '← unsubscribed', '← message']],
  ['it was refused for good', ['→ subscribe 1', '← subscribed 1', '← error - - ended', '← message']],
  [
    'it is asked for again and not answered yet',
    ['→ unsubscribe 1', '← unsubscribed 1', '→ subscribe 2', '← message'],
  ],
])('it is wrong when something is told of a subscription after %s', (_, frames) => {
  expect(play(...frames)).toBe('S12')
})
