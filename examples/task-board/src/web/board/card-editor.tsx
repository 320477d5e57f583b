import { useSignalValue } from '@dnr/react'
import { type KeyboardEvent, useEffect, useRef, useState } from 'react'
import type { Status, Task } from '../../shared/task.ts'
import { TEAMS } from '../../shared/user.ts'
import type { Board } from '../model/board.ts'
import { byColumn, COLUMNS } from '../model/columns.ts'
import { changedFields, type Draft } from '../model/conflicts.ts'
import type { BoardActions, Open } from './columns.tsx'

interface CardEditorProps {
  readonly board: Board
  readonly task: Task
  readonly open: Extract<Open, { readonly kind: 'editor' }>
  readonly actions: BoardActions
}

/** A card that is open. Saved by Enter, by the button, and by going elsewhere; Esc gives the changes up. */
export function CardEditor({ board, task, open, actions }: CardEditorProps) {
  const form = useRef<HTMLFormElement>(null)
  const [status, setStatus] = useState(task.status)
  const people = usePeople(board, task)
  const { base } = open
  const draft = { ...fieldsOf(base), ...open.draft }
  const change = (fields: Draft): void => actions.open({ ...open, draft: { ...open.draft, ...fields } })
  // What I have not touched follows the task; what both of us changed is for me to decide.
  const changes = changedFields(base, draft)
  const contested = (Object.keys(changes) as (keyof Draft)[]).filter(
    (field) => task[field] !== base[field] && task[field] !== draft[field],
  )

  const save = (): void => {
    const { title, ...others } = changes
    const wanted = changedFields(task, title?.trim() ? { ...others, title: title.trim() } : others)
    if (Object.keys(wanted).length > 0) write(board, task.id, wanted)
    if (status !== task.status) actions.move(task, status, byColumn(board.tasks.rows.peek())[status].length)
    actions.open(null)
  }
  useOutsidePress(form, save)

  const onKeyDown = (event: KeyboardEvent): void => {
    event.stopPropagation()
    if (event.key === 'Escape') return actions.open(null)
    const isLine = (event.target as HTMLElement).dataset['line'] !== undefined
    if (event.key !== 'Enter' || event.nativeEvent.isComposing || !(isLine || event.ctrlKey || event.metaKey))
      return
    event.preventDefault()
    save()
  }
  return (
    <form
      ref={form}
      className="editor"
      data-testid="editor"
      onKeyDown={onKeyDown}
      onSubmit={(event) => {
        event.preventDefault()
        save()
      }}
    >
      <textarea
        data-line
        className="editor-title"
        aria-label="Title"
        autoFocus
        rows={2}
        value={draft.title}
        onFocus={(event) => event.target.setSelectionRange(draft.title.length, draft.title.length)}
        onChange={(event) => change({ title: event.target.value.replaceAll('\n', ' ') })}
      />
      <textarea
        className="editor-notes"
        aria-label="Notes"
        placeholder="Notes"
        rows={4}
        value={draft.notes}
        onChange={(event) => change({ notes: event.target.value })}
      />
      <div className="editor-fields">
        <label>
          Assignee
          <select
            value={draft.assignee ?? ''}
            onChange={(event) => change({ assignee: event.target.value || null })}
          >
            <option value="">Nobody</option>
            {people.map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label>
          Column
          <select value={status} onChange={(event) => setStatus(event.target.value as Status)}>
            {COLUMNS.map((column) => (
              <option key={column.status} value={column.status}>
                {column.name}
              </option>
            ))}
          </select>
        </label>
        <label>
          Team
          <select value={draft.team} onChange={(event) => change({ team: event.target.value })}>
            {[...new Set([...TEAMS, task.team])].map((team) => (
              <option key={team}>{team}</option>
            ))}
          </select>
        </label>
      </div>
      {contested.map((field) => (
        <p key={field} className="editor-contested" role="status">
          Changed meanwhile to “{task[field] ?? 'nobody'}”. Saving keeps yours.{' '}
          <button type="button" className="link" onClick={() => change({ [field]: task[field] })}>
            Take theirs
          </button>
        </p>
      ))}
      <div className="note-actions">
        <button className="button primary">Save</button>
        <button type="button" className="button" onClick={() => actions.open(null)}>
          Cancel
        </button>
        <span className="spring" />
        <button
          type="button"
          className="button danger"
          onClick={() => actions.open({ kind: 'deleting', id: task.id })}
        >
          Delete
        </button>
      </div>
    </form>
  )
}

/** A task that was handed over leaves the board when the server has it: then is the time to say so. */
function write(board: Board, id: string, wanted: Draft): void {
  const { acked } = board.writes.edit(id, wanted)
  const { team } = wanted
  if (team === undefined) return
  acked.then(
    () => board.notices.show(`Handed to ${team}.`, 'note'),
    () => {}, // the card says why
  )
}

function fieldsOf({ title, notes, assignee, team }: Task) {
  return { title, notes, assignee, team }
}

/** Who a task can be given to: who is here, and who has one already. */
function usePeople(board: Board, task: Task): readonly { readonly id: string; readonly name: string }[] {
  const members = useSignalValue(board.members)
  const rows = useSignalValue(board.tasks.rows)
  const people = new Map<string, string>([[board.user.id, board.user.name]])
  for (const { id, name } of members) people.set(id, name)
  for (const { assignee } of [task, ...rows])
    if (assignee !== null && !people.has(assignee)) people.set(assignee, assignee)
  return [...people].map(([id, name]) => ({ id, name })).sort((a, b) => a.name.localeCompare(b.name))
}

/** Calls the latest `onPress` when something outside of `element` is pressed. */
function useOutsidePress(element: { readonly current: HTMLElement | null }, onPress: () => void): void {
  const latest = useRef(onPress)
  useEffect(() => {
    latest.current = onPress
  })
  useEffect(() => {
    const listen = (event: PointerEvent): void => {
      if (element.current?.contains(event.target as Node) === false) latest.current()
    }
    document.addEventListener('pointerdown', listen, true)
    return () => document.removeEventListener('pointerdown', listen, true)
  }, [element])
}
