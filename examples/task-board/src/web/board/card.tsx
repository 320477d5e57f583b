import { useSignalValue } from '@dnr/react'
import { computed } from '@preact/signals-core'
import { type MouseEvent, type PointerEvent, useMemo } from 'react'
import type { Task } from '../../shared/task.ts'
import type { Board } from '../model/board.ts'
import { noteOf } from '../model/my-presence.ts'
import { Avatar, personStyle } from '../shell/avatar.tsx'
import { Icon } from '../shell/icons.tsx'
import { CardEditor } from './card-editor.tsx'
import { CardFace } from './card-face.tsx'
import { ConflictNote } from './conflict-note.tsx'
import type { BoardActions, Open } from './columns.tsx'
import { RefusedChange } from './refused-change.tsx'
import { useSaveMark } from './use-save-mark.ts'

interface CardProps {
  readonly board: Board
  readonly task: Task
  readonly isCarried: boolean
  /** What is open on this card. */
  readonly open: Open | null
  readonly actions: BoardActions
  onPointerDown(event: PointerEvent<HTMLElement>, task: Task): void
}

export function Card({ board, task, isCarried, open, actions, onPointerDown }: CardProps) {
  const { id } = task
  const mark = useSaveMark(board, id)
  const failures = useSignalValue(board.tasks.failed).filter((failure) => failure.id === id)
  const conflict = useSignalValue(board.conflicts.byId).get(id)
  const author = useAuthorOfChange(board, id)
  const editor = useSignalValue(board.members).find(
    (member) => member.id !== board.user.id && noteOf(member).card === id,
  )
  const isEditing = open?.kind === 'editor'
  const edit = (): void => actions.edit(task)

  return (
    <li
      className="card"
      data-card={id}
      data-testid="card"
      data-mark={mark}
      data-carried={isCarried || undefined}
      data-moving={open?.kind === 'moving' || undefined}
      data-refused={failures.length > 0 || undefined}
      data-changed={author !== undefined || undefined}
      style={author === undefined ? undefined : author === null ? undefined : personStyle(author.id)}
      tabIndex={isEditing ? undefined : 0}
      aria-label={isEditing ? undefined : task.title}
      aria-keyshortcuts="e m Delete"
      onPointerDown={isEditing ? undefined : (event) => onPointerDown(event, task)}
      onDoubleClick={isEditing ? undefined : edit}
      onClick={isEditing ? undefined : (event) => isTap(event) && edit()}
    >
      {isEditing ? (
        <CardEditor board={board} task={task} open={open} actions={actions} />
      ) : (
        <>
          <CardFace board={board} task={task} />
          <button
            type="button"
            className="icon-button card-edit"
            aria-label={`Edit ${task.title}`}
            tabIndex={-1}
            onClick={edit}
          >
            <Icon name="edit" />
          </button>
        </>
      )}
      {mark !== 'none' && <SaveMark mark={mark} />}
      {author !== undefined && (
        <span className="card-author" data-testid="author">
          {author?.name ?? 'somebody'}
        </span>
      )}
      {editor !== undefined && (
        <p className="card-presence" data-testid="editing">
          <Avatar id={editor.id} name={editor.name} /> {editor.name} is editing
        </p>
      )}
      {open?.kind === 'moving' && <p className="card-hint">Press an arrow key to move this card.</p>}
      {open?.kind === 'deleting' && (
        <div className="note">
          <p>Delete this task?</p>
          <div className="note-actions">
            <button type="button" className="button danger" autoFocus onClick={() => actions.remove(task)}>
              Delete
            </button>
            <button type="button" className="button" onClick={() => actions.open(null)}>
              Keep
            </button>
          </div>
        </div>
      )}
      {conflict !== undefined && (
        <ConflictNote board={board} task={task} conflict={conflict} actions={actions} />
      )}
      {failures.map((failure) => (
        <RefusedChange key={failure.mutationId} task={task} failure={failure} actions={actions} />
      ))}
    </li>
  )
}

function SaveMark({ mark }: { readonly mark: 'pending' | 'saved' }) {
  const title = mark === 'pending' ? 'not saved yet' : 'saved'
  return (
    <span className="save-mark" role="img" aria-label={title} title={title} data-testid={`mark-${mark}`} />
  )
}

/** A finger has no double click: one tap opens the card. */
function isTap(event: MouseEvent<HTMLElement>): boolean {
  const { pointerType } = event.nativeEvent as unknown as { readonly pointerType?: string }
  return pointerType === 'touch' && (event.target as HTMLElement).closest('button, .note') === null
}

/** `undefined`: nobody else changed the card just now; `null`: somebody unknown did. */
function useAuthorOfChange(board: Board, id: string) {
  const author = useMemo(
    () =>
      computed(() => {
        const mutationId = board.recentChanges.byId.value.get(id)
        return mutationId === undefined ? undefined : board.authorOf(mutationId)
      }),
    [board, id],
  )
  return useSignalValue(author)
}
