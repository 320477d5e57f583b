import { type RefObject, useEffect, useLayoutEffect, useRef } from 'react'

export function findCard(root: HTMLElement | null, id: string): HTMLElement | null {
  return root?.querySelector(`[data-card="${CSS.escape(id)}"]`) ?? null
}

/**
 * A card that moves to another column is a new element there: the focus goes with it. Returns what gives a card the
 * focus once what has it now is gone. That happens with the rendering, before another key can be pressed.
 */
export function useFocusKeeper(root: RefObject<HTMLElement | null>): (id: string) => void {
  const focused = useRef<string | null>(null)

  useEffect(() => {
    const board = root.current
    const note = (event: FocusEvent): void => {
      focused.current = (event.target as HTMLElement).dataset['card'] ?? null
    }
    board?.addEventListener('focusin', note)
    return () => board?.removeEventListener('focusin', note)
  }, [root])

  useLayoutEffect(() => {
    const id = focused.current
    const isLost = document.activeElement === document.body || document.activeElement === null
    if (id !== null && isLost) findCard(root.current, id)?.focus({ preventScroll: true })
  })
  return (id) => {
    focused.current = id
  }
}
