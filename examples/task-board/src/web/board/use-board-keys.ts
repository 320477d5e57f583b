import { type RefObject, useEffect, useRef } from 'react'
import type { Task } from '../../shared/task.ts'
import type { Board } from '../model/board.ts'
import { byColumn, COLUMNS } from '../model/columns.ts'
import type { BoardActions, Open } from './columns.tsx'
import { showColumn } from './pager.tsx'
import { findCard } from './use-focus-keeper.ts'

interface BoardKeysOptions {
  readonly board: Board
  readonly root: RefObject<HTMLElement | null>
  readonly open: Open | null
  readonly actions: BoardActions
  onShowKeys(): void
}

const STEPS: Readonly<Record<string, readonly [columns: number, cards: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
}

/** The board by keyboard. Keys mean something only while nothing is typed into. */
export function useBoardKeys(options: BoardKeysOptions): void {
  const latest = useRef(options)
  useEffect(() => {
    latest.current = options
  })
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
      if (press(event.key, latest.current)) event.preventDefault()
    }
    window.addEventListener('keydown', listen)
    return () => window.removeEventListener('keydown', listen)
  }, [])
}

/** True when the key meant something. */
function press(key: string, { board, root, open, actions, onShowKeys }: BoardKeysOptions): boolean {
  const task = focusedTask(board)
  if (key === '?') return did(() => onShowKeys())
  if (key === 'n') return did(() => actions.open({ kind: 'composer', status: task?.status ?? 'todo' }))
  if (key === 'Escape' && open !== null) return did(() => actions.open(null))
  const step = STEPS[key]
  if (step !== undefined && task === undefined)
    return document.activeElement === document.body && goTo(root, firstTask(board))
  if (task === undefined) return false
  const { id } = task
  if (step !== undefined) {
    if (open?.kind !== 'moving') return goTo(root, neighbour(board, task, step))
    actions.open(null)
    return did(() => moveBy(task, step, board, root, actions))
  }
  if (key === 'e' || key === 'Enter') return did(() => actions.edit(task))
  if (key === 'm') {
    board.notices.say('Press an arrow key to move the card.')
    return did(() => actions.open({ kind: 'moving', id }))
  }
  if (key === 'Delete' || key === 'Backspace') return did(() => actions.open({ kind: 'deleting', id }))
  return false
}

function did(action: () => void): true {
  action()
  return true
}

function isTyping(target: EventTarget | null): boolean {
  const element = target as HTMLElement
  return element.closest?.('input, textarea, select, dialog, [popover]') !== null
}

function focusedTask({ tasks }: Board): Task | undefined {
  const id = (document.activeElement as HTMLElement | null)?.dataset['card']
  return id === undefined ? undefined : tasks.byId(id)
}

function firstTask({ tasks }: Board): Task | undefined {
  const columns = byColumn(tasks.rows.peek())
  return COLUMNS.map(({ status }) => columns[status][0]).find((task) => task !== undefined)
}

/** The card in that direction; empty columns are passed over. */
function neighbour(
  { tasks }: Board,
  task: Task,
  [across, along]: readonly [number, number],
): Task | undefined {
  const columns = byColumn(tasks.rows.peek())
  const place = columns[task.status].findIndex(({ id }) => id === task.id)
  if (along !== 0) return columns[task.status][place + along]
  let column = COLUMNS.findIndex(({ status }) => status === task.status) + across
  for (; COLUMNS[column] !== undefined; column += across) {
    const cards = columns[COLUMNS[column]?.status ?? 'todo']
    if (cards.length > 0) return cards[Math.min(place, cards.length - 1)]
  }
  return undefined
}

function goTo(root: RefObject<HTMLElement | null>, task: Task | undefined): boolean {
  if (task === undefined) return false
  findCard(root.current, task.id)?.focus()
  showCard(root, task)
  return true
}

function showCard(root: RefObject<HTMLElement | null>, { id }: Task): void {
  findCard(root.current, id)?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
}

function moveBy(
  task: Task,
  [across, along]: readonly [number, number],
  { tasks }: Board,
  root: RefObject<HTMLElement | null>,
  actions: BoardActions,
): void {
  const columns = byColumn(tasks.rows.peek())
  const column = COLUMNS[COLUMNS.findIndex(({ status }) => status === task.status) + across]
  if (column === undefined) return
  const { status } = column
  const place = columns[task.status].findIndex(({ id }) => id === task.id)
  const last = columns[status].length - (across === 0 ? 1 : 0)
  actions.move(task, status, Math.min(Math.max(place + along, 0), last))
  showColumn(root.current, status)
  requestAnimationFrame(() => showCard(root, task))
}
