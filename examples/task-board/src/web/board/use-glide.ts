import { type RefObject, useLayoutEffect } from 'react'

const GLIDE_MS = 160

/** Where a card stands in the window. */
interface Place {
  readonly left: number
  readonly top: number
}

/**
 * Lets cards glide to their new place: after each render every card that moved starts where it was. Transforms alone, so
 * the layout is final at once; nothing moves for people who asked for less motion.
 */
export function useGlide(root: RefObject<HTMLElement | null>): void {
  // Read while rendering, when the page still shows what was before: also what changed without a render of ours.
  const before = new Map<string, Place>([...placesOf(root.current), ...liftedPlace(root.current)])

  useLayoutEffect(() => {
    if (matchMedia('(prefers-reduced-motion: reduce)').matches) return
    for (const [id, { card, ...after }] of placesOf(root.current)) {
      const place = before.get(id)
      if (place !== undefined) glide(card, place, after)
    }
  })
}

function placesOf(root: HTMLElement | null): ReadonlyMap<string, Place & { readonly card: HTMLElement }> {
  const places = new Map<string, Place & { readonly card: HTMLElement }>()
  for (const card of root?.querySelectorAll<HTMLElement>('[data-card]') ?? []) {
    const list = card.closest<HTMLElement>('[data-list]')
    if (list === null || card.dataset['carried'] !== undefined) continue
    places.set(card.dataset['card'] as string, { card, ...viewportPlace(card, list) })
  }
  return places
}

/** A card that is let go glides from where it was carried. */
function liftedPlace(root: HTMLElement | null): readonly [string, Place][] {
  const lifted = root?.querySelector<HTMLElement>('[data-lifted]')
  return lifted ? [[lifted.dataset['lifted'] as string, lifted.getBoundingClientRect()]] : []
}

/** By offsets, which transforms do not change: a card in mid-glide is where it will be. */
function viewportPlace(card: HTMLElement, list: HTMLElement): { left: number; top: number } {
  const rect = list.getBoundingClientRect()
  return { left: rect.left + card.offsetLeft, top: rect.top + card.offsetTop - list.scrollTop }
}

function glide(card: HTMLElement, before: Place, after: Place): void {
  const [x, y] = [before.left - after.left, before.top - after.top]
  if (Math.abs(x) + Math.abs(y) < 1) return
  card.animate([{ transform: `translate(${x}px, ${y}px)` }, { transform: 'none' }], {
    duration: GLIDE_MS,
    easing: 'cubic-bezier(0.2, 0, 0, 1)',
  })
}
