import { useSignalValue } from '@dnr/react'
import { type KeyboardEvent, useEffect, useId, useRef, useState } from 'react'
import type { Task } from '../../shared/task.ts'
import { TEAMS } from '../../shared/user.ts'
import type { Board } from '../model/board.ts'
import { byColumn, COLUMNS } from '../model/columns.ts'
import { changedFields, type Draft } from '../model/conflicts.ts'
import type { BoardActions } from './columns.tsx'

interface CardEditorProps {
  readonly board: Board
  readonly task: Task
  /** What the fields hold at first, where it differs from the task. */
  readonly draft?: Draft | undefined
  readonly actions: BoardActions
}

/** A card that is open. Saved by Enter, by the button, and by going elsewhere; Esc gives the changes up. */
export function CardEditor({ board, task, draft: initial, actions }: CardEditorProps) {
  const form = useRef<HTMLFormElement>(null)
  const ids = useId()
  const [base] = useState(task)
  const [draft, setDraft] = useState({ ...fieldsOf(task), ...initial })
  const people = usePeople(board, task)
  const changes = changedFields(base, draft)
  const contested = (Object.keys(changes) as (keyof Draft)[]).filter((field) => task[field] !== base[field])

  const save = (): void => {
    const title = draft.title.trim()
    const wanted = changedFields(task, changedFields(base, { ...draft, title: title === '' ? base.title : title }))
    if (Object.keys(wanted).length > 0) board.writes.edit(task.id, wanted)
    if (wanted.team !== undefined) board.notices.show(`Handed to ${wanted.team}.`, 'note')
    actions.open(null)
  }
  useOutsidePress(form, save)

  const onKeyDown = (event: KeyboardEvent): void => {
    event.stopPropagation()
    if (event.key === 'Escape') return actions.open(null)
    const isLine = (event.target as HTMLElement).dataset['line'] !== undefined
    if (event.key !== 'Enter' || event.nativeEvent.isComposing || !(isLine || event.ctrlKey || event.metaKey)) return
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
        onChange={(event) => setDraft({ ...draft, title: event.target.value.replaceAll('\n', ' ') })}
      />
      <textarea
        className="editor-notes"
        aria-label="Notes"
        placeholder="Notes"
        rows={4}
        value={draft.notes}
        onChange={(event) => setDraft({ ...draft, notes: event.target.value })}
      />
      <div className="editor-fields">
        <label htmlFor={`${ids}-assignee`}>Assignee</label>
        <select
          id={`${ids}-assignee`}
          value={draft.assignee ?? ''}
          onChange={(event) => setDraft({ ...draft, assignee: event.target.value || null })}
        >
          <option value="">Nobody</option>
          {people.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
        <label htmlFor={`${ids}-column`}>Column</label>
        <select
          id={`${ids}-column`}
          value={task.status}
          onChange={(event) => {
            const status = event.target.value as Task['status']
            actions.move(task, status, byColumn(board.tasks.rows.peek())[status].length)
          }}
        >
          {COLUMNS.map(({ status, name }) => (
            <option key={status} value={status}>
              {name}
            </option>
          ))}
        </select>
        <label htmlFor={`${ids}-team`}>Team</label>
        <select
          id={`${ids}-team`}
          value={draft.team}
          onChange={(event) => setDraft({ ...draft, team: event.target.value })}
        >
          {[...new Set([...TEAMS, task.team])].map((team) => (
            <option key={team}>{team}</option>
          ))}
        </select>
      </div>
      {contested.map((field) => (
        <p key={field} className="editor-contested" role="status">
          Changed meanwhile to “{task[field] ?? 'nobody'}”. Saving keeps yours.{' '}
          <button type="button" className="link" onClick={() => setDraft({ ...draft, [field]: task[field] })}>
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

function fieldsOf({ title, notes, assignee, team }: Task) {
  return { title, notes, assignee, team }
}

/** Who a task can be given to: who is here, and who has one already. */
function usePeople(board: Board, task: Task): readonly { readonly id: string; readonly name: string }[] {
  const members = useSignalValue(board.members)
  const rows = useSignalValue(board.tasks.rows)
  const people = new Map<string, string>([[board.user.id, board.user.name]])
  for (const { id, name } of members) people.set(id, name)
  for (const { assignee } of [task, ...rows]) if (assignee !== null && !people.has(assignee)) people.set(assignee, assignee)
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
