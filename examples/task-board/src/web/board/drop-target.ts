import type { Status } from '../../shared/task.ts'
import { showColumn } from './pager.tsx'

/** Where a carried card would land; `index` is counted without the card itself. */
export interface DropTarget {
  readonly status: Status
  readonly index: number
}

interface Point {
  readonly x: number
  readonly y: number
}

/** The place under the pointer, or `null` outside of every column. On a phone a tab leads to its column. */
export function findDropTarget(
  root: HTMLElement | null,
  carriedId: string,
  pointer: Point,
): DropTarget | null {
  const under = document.elementsFromPoint(pointer.x, pointer.y) as HTMLElement[]
  const tab = under.find((element) => element.dataset['tab'] !== undefined)
  if (tab !== undefined) showColumn(root, tab.dataset['tab'] as Status)
  const column = under.find((element) => element.dataset['column'] !== undefined)
  const list = column?.querySelector<HTMLElement>('[data-list]')
  if (!list) return null
  const y = pointer.y - list.getBoundingClientRect().top + list.scrollTop
  // Offsets do not know of transforms, so cards that glide out of the way do not flicker back.
  const cards = [...list.querySelectorAll<HTMLElement>('[data-card]')].filter(
    (card) => card.dataset['card'] !== carriedId,
  )
  const index = cards.filter((card) => card.offsetTop + card.offsetHeight / 2 < y).length
  return { status: list.dataset['list'] as Status, index }
}

const EDGE = 56
const STEP = 10

/** Scrolls the list whose upper or lower edge the pointer is near; true when it did. */
export function scrollAtEdge(root: HTMLElement | null, pointer: Point): boolean {
  for (const list of root?.querySelectorAll<HTMLElement>('[data-list]') ?? []) {
    const { left, right, top, bottom } = list.getBoundingClientRect()
    if (pointer.x < left || pointer.x > right) continue
    const step = pointer.y < top + EDGE ? -STEP : pointer.y > bottom - EDGE ? STEP : 0
    const before = list.scrollTop
    list.scrollTop += step
    if (list.scrollTop !== before) return true
  }
  return false
}
