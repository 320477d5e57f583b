// Which rows a group sees, as far as that is known: what a change of rights is held against. A rule may read something
// that has changed since, so what it said then has to be remembered; asking it again would give today's answer.
//
// A group has one bit for each row: a thousand groups over ten thousand rows are little more than a megabyte.
import { hasReached, type Position } from '@dnr/protocol'
import type { RowNumbers } from './row-numbers.ts'
import type { Reading } from './rows-ahead.ts'

/** The rows that a group sees. A plain record: a server has as many as groups. */
export interface ShownRows {
  readonly numbers: RowNumbers
  /** Is a row that is not in here known to be hidden? If not, it may have been seen before this server heard of it. */
  isComplete: boolean
  /** Where the log ended when it became complete: who stood there, or before, may have been shown other rows. */
  completeAt: Position | null
  /** The last change that a row was taken away at without an event in the log, because the rule reads more than the row. */
  takenAt: Position | null
  /** May somebody have been shown other rows than the others: the rule reads more than the row, or a reading has failed? */
  isDivided: boolean
  /** Does nobody hear the group, because all of its members are asked about? Then what it is told is shown to nobody. */
  isUnheard: boolean
  /** The numbers, while there are few; then `bits` has them. */
  few: Set<number> | null
  bits: Uint32Array
  /** Raised when all is forgotten: what was read of before is not to be noted. */
  age: number
  /** What some of the group have read from the store before the log told the others; `null`: nothing. */
  ahead: Set<Reading> | null
}

/** Up to this many a set is smaller than the bits before them. */
const MAX_FEW = 32
const NO_BITS = new Uint32Array()

export function createShownRows(numbers: RowNumbers): ShownRows {
  return {
    numbers,
    isComplete: false,
    completeAt: null,
    takenAt: null,
    isDivided: false,
    isUnheard: false,
    few: null,
    bits: NO_BITS,
    age: 0,
    ahead: null,
  }
}

export function showRow(shown: ShownRows, id: string): void {
  const number = shown.numbers.numberOf(id)
  if (shown.bits.length > 0) return setBit(shown, number)
  shown.few ??= new Set()
  shown.few.add(number)
  if (shown.few.size <= MAX_FEW) return
  const few = shown.few
  shown.few = null
  for (const each of few) setBit(shown, each)
}

export function hideRow(shown: ShownRows, id: string): void {
  const number = shown.numbers.find(id)
  if (number === undefined) return
  shown.few?.delete(number)
  if (number >>> 5 < shown.bits.length) shown.bits[number >>> 5] = wordOf(shown, number) & ~bitOf(number)
}

export function isShown(shown: ShownRows, id: string): boolean {
  const number = shown.numbers.find(id)
  if (number === undefined) return false
  return shown.few?.has(number) === true || (wordOf(shown, number) & bitOf(number)) !== 0
}

export function* shownIds({ numbers, few, bits }: ShownRows): Generator<string> {
  for (const number of few ?? []) yield numbers.idOf(number)
  for (const [index, word] of bits.entries()) {
    for (let rest = word; rest !== 0; rest &= rest - 1) yield numbers.idOf(index * 32 + lowestBit(rest))
  }
}

/** All rows have been read by now; `end` is where the log ends. */
export function completeRows(shown: ShownRows, end: Position | null): void {
  if (!shown.isComplete) shown.completeAt = end
  shown.isComplete = true
}

/** A row is taken away with a change of which the log says nothing. */
export function noteTaken(shown: ShownRows, position: Position): void {
  if (shown.takenAt === null || !hasReached(shown.takenAt, position)) shown.takenAt = position
}

/** Was a row taken away since a position of which the log after it says nothing? */
export function wasTakenAfter({ takenAt }: ShownRows, position: Position): boolean {
  return takenAt !== null && !hasReached(position, takenAt)
}

/** Nothing is known any more, but where the log does not tell all. */
export function forgetRows(shown: ShownRows): void {
  shown.isComplete = false
  shown.completeAt = null
  shown.isDivided = false
  shown.few = null
  shown.bits = NO_BITS
  shown.ahead = null
  shown.age++
}

/** As it is now; its numbers have to be held while it is used. */
export function copyShownRows(shown: ShownRows): ShownRows {
  const { few, bits, ahead } = shown
  const copy = (each: Reading): Reading => ({ ...each, ids: new Set(each.ids), missed: new Set(each.missed) })
  const readings = ahead && new Set(Array.from(ahead, copy))
  return { ...shown, few: few && new Set(few), bits: bits.slice(), ahead: readings }
}

function setBit(shown: ShownRows, number: number): void {
  const index = number >>> 5
  if (index >= shown.bits.length) {
    const wider = new Uint32Array(Math.max(shown.bits.length * 2, index + 1))
    wider.set(shown.bits)
    shown.bits = wider
  }
  shown.bits[index] = wordOf(shown, number) | bitOf(number)
}

function wordOf({ bits }: ShownRows, number: number): number {
  return bits[number >>> 5] ?? 0
}

function bitOf(number: number): number {
  return 1 << (number & 31)
}

function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word)
}
