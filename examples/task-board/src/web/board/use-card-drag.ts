// Carrying a card, by mouse or finger. The card's own element stays where it is, so that the browser keeps sending its
// events; a copy follows the pointer, and a gap shows where it would land.
import {
  type PointerEvent as ReactPointerEvent,
  type RefObject,
  useCallback,
  useEffect,
  useRef,
  useState,
} from 'react'
import type { Status, Task } from '../../shared/task.ts'
import { type DropTarget, findDropTarget, scrollAtEdge } from './drop-target.ts'

export interface CardDrag {
  readonly task: Task | null
  /** The rows as they were when the card was lifted. */
  readonly frozen: readonly Task[] | null
  readonly target: DropTarget | null
  readonly height: number
  readonly holdLifted: (element: HTMLElement | null) => void
  press(event: ReactPointerEvent<HTMLElement>, task: Task, rows: readonly Task[]): void
}

export interface CardDragOptions {
  readonly root: RefObject<HTMLElement | null>
  onDrop(task: Task, status: Status, index: number): void
}

/** How far the mouse goes before a press becomes a drag, pixels. */
const SLOP = 5
/** How long a finger rests before it lifts a card instead of scrolling. */
const HOLD_MS = 260

interface Carried {
  readonly task: Task
  readonly rows: readonly Task[]
  readonly height: number
}

export function useCardDrag({ root, onDrop }: CardDragOptions): CardDrag {
  const [carried, setCarried] = useState<Carried | null>(null)
  const [target, setTarget] = useState<DropTarget | null>(null)
  const lifted = useRef<HTMLElement | null>(null)
  const place = useRef({ x: 0, y: 0, width: 0 })
  const drop = useRef(onDrop)
  useEffect(() => {
    drop.current = onDrop
  })

  const paint = useCallback(() => {
    const { x, y, width } = place.current
    if (lifted.current === null) return
    lifted.current.style.width = `${width}px`
    lifted.current.style.translate = `${x}px ${y}px`
  }, [])
  const holdLifted = useCallback(
    (element: HTMLElement | null) => {
      lifted.current = element
      paint()
    },
    [paint],
  )

  const press = (event: ReactPointerEvent<HTMLElement>, task: Task, rows: readonly Task[]): void => {
    if (
      event.button !== 0 ||
      (event.target as HTMLElement).closest('button, a, input, select, textarea, .note')
    )
      return
    const card = event.currentTarget
    const { pointerId, pointerType, clientX, clientY } = event
    const rect = card.getBoundingClientRect()
    const grab = { x: clientX - rect.left, y: clientY - rect.top }
    const pointer = { x: clientX, y: clientY }
    const end = new AbortController()
    const options = { signal: end.signal }
    let isLifted = false
    let current: DropTarget | null = null
    let frame = 0

    const follow = (): void => {
      place.current = { x: pointer.x - grab.x, y: pointer.y - grab.y, width: rect.width }
      paint()
      const found = findDropTarget(root.current, task.id, pointer)
      if (found === null || (found.status === current?.status && found.index === current.index)) return
      current = found
      setTarget(found)
    }
    const tick = (): void => {
      if (scrollAtEdge(root.current, pointer)) follow()
      frame = requestAnimationFrame(tick)
    }
    const lift = (): void => {
      isLifted = true
      setCarried({ task, rows, height: rect.height })
      follow()
      frame = requestAnimationFrame(tick)
    }
    const finish = (isDropped: boolean): void => {
      end.abort()
      clearTimeout(hold)
      cancelAnimationFrame(frame)
      setCarried(null)
      setTarget(null)
      if (isDropped && current !== null) drop.current(task, current.status, current.index)
    }
    const hold = pointerType === 'mouse' ? undefined : setTimeout(lift, HOLD_MS)

    const onMove = (move: PointerEvent): void => {
      if (move.pointerId !== pointerId) return
      pointer.x = move.clientX
      pointer.y = move.clientY
      if (isLifted) return follow()
      if (Math.hypot(pointer.x - clientX, pointer.y - clientY) < SLOP) return
      if (pointerType === 'mouse') lift()
      else finish(false)
    }
    const onUp = (up: PointerEvent): void => {
      if (up.pointerId === pointerId) finish(isLifted)
    }
    const onCancel = (cancel: PointerEvent): void => {
      if (cancel.pointerId === pointerId) finish(false)
    }
    window.addEventListener('pointermove', onMove, options)
    window.addEventListener('pointerup', onUp, options)
    window.addEventListener('pointercancel', onCancel, options)
    window.addEventListener('blur', () => finish(false), options)
    window.addEventListener('keydown', (key) => key.key === 'Escape' && finish(false), options)
    window.addEventListener('contextmenu', (menu) => isLifted && menu.preventDefault(), options)
    // The browser scrolls unless this is refused from the first move on.
    card.addEventListener('touchmove', (touch) => isLifted && touch.preventDefault(), {
      ...options,
      passive: false,
    })
  }

  return {
    task: carried?.task ?? null,
    frozen: carried?.rows ?? null,
    target,
    height: carried?.height ?? 0,
    holdLifted,
    press,
  }
}
