// Things that each have a moment of their own, with one timer for all of them: a heap by time that knows where each item
// stands, so that one more or one less of a hundred thousand sessions costs a few comparisons.
import type { Clock } from '@dnr/protocol'

export interface Agenda<Item> {
  /** Notes an item for a moment (wall clock), in place of the one it had. */
  set(item: Item, at: number): void
  /** Harmless when it is not noted. */
  delete(item: Item): void
  /** Calls for what is due by now. Timers do not know that the wall clock was set forward: to be called every now and then. */
  look(): void
  stop(): void
}

interface Entry<Item> {
  readonly item: Item
  readonly at: number
  index: number
}

/** Wall clocks are set right now and then: nothing is late by more than this, though nobody calls `look`. */
const LONGEST_WAIT_MS = 60_000

/** Calls `onDue` once with each item when its moment has come, the earliest first. */
export function createAgenda<Item>(clock: Clock, onDue: (item: Item) => void): Agenda<Item> {
  const heap: Entry<Item>[] = []
  const entryByItem = new Map<Item, Entry<Item>>()
  let timer: { readonly at: number; cancel(): void } | null = null

  const place = (entry: Entry<Item>, index: number): void => {
    heap[index] = entry
    entry.index = index
  }
  const rise = (entry: Entry<Item>, from: number): void => {
    let index = from
    for (let parent = heap[(index - 1) >> 1]; index > 0 && parent !== undefined && parent.at > entry.at;) {
      place(parent, index)
      index = (index - 1) >> 1
      parent = heap[(index - 1) >> 1]
    }
    place(entry, index)
  }
  const sink = (entry: Entry<Item>, from: number): void => {
    let index = from
    for (let child = earlierChild(index); child !== undefined && child.at < entry.at;) {
      const next = child.index
      place(child, index)
      index = next
      child = earlierChild(index)
    }
    place(entry, index)
  }
  const earlierChild = (index: number): Entry<Item> | undefined => {
    const [left, right] = [heap[2 * index + 1], heap[2 * index + 2]]
    return left !== undefined && right !== undefined && right.at < left.at ? right : left
  }

  const remove = (item: Item): void => {
    const entry = entryByItem.get(item)
    const last = heap.at(-1)
    if (entry === undefined || last === undefined) return
    entryByItem.delete(item)
    heap.pop()
    if (last === entry) return
    // The last one takes the free place, and from there goes whichever way it must.
    rise(last, entry.index)
    sink(last, last.index)
  }

  const schedule = (): void => {
    const at = heap[0]?.at
    if (timer !== null && timer.at === at) return
    timer?.cancel()
    const delayMs = at === undefined ? 0 : Math.min(Math.max(0, at - clock.now()), LONGEST_WAIT_MS)
    timer = at === undefined ? null : { at, cancel: clock.setTimeout(fire, delayMs) }
  }
  const fire = (): void => {
    timer = null
    const now = clock.now()
    for (let first = heap[0]; first !== undefined && first.at <= now; first = heap[0]) {
      remove(first.item)
      onDue(first.item)
    }
    schedule()
  }

  return {
    set(item, at) {
      remove(item)
      const entry = { item, at, index: heap.length }
      entryByItem.set(item, entry)
      rise(entry, heap.length)
      schedule()
    },
    delete(item) {
      remove(item)
      schedule()
    },
    look() {
      const first = heap[0]
      if (first === undefined || first.at > clock.now()) return
      timer?.cancel()
      fire()
    },
    stop() {
      heap.length = 0
      entryByItem.clear()
      schedule()
    },
  }
}
