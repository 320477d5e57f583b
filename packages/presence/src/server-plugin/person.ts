import type { Principal } from '@dnr/protocol'
import type { Person } from '../tracker/presence-state.ts'

const MAX_NAME_LENGTH = 100
/** Control characters, halves of surrogate pairs, line separators, and what turns the direction of a text around. */
const UNSHOWABLE = /[\p{Cc}\p{Cs}\u2028-\u202e\u2066-\u2069]/gu

/** What cutting in the middle of a pair leaves behind. */
const HALF_PAIR = /\p{Cs}$/u

/** Who a principal is to others: the name made fit to be shown, the id where nothing is left of it. */
export function personOf({ id, name }: Principal): Person {
  const shown = (name ?? '').replace(UNSHOWABLE, '').slice(0, MAX_NAME_LENGTH).replace(HALF_PAIR, '').trim()
  return { id, name: shown === '' ? id : shown }
}
