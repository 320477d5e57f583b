import type { Task } from '../../shared/task.ts'
import type { Board } from '../model/board.ts'
import type { Conflict, Draft } from '../model/conflicts.ts'
import type { BoardActions } from './columns.tsx'

interface ConflictNoteProps {
  readonly board: Board
  readonly task: Task
  readonly conflict: Conflict
  readonly actions: BoardActions
}

/** Two people changed the same words: whoever came second decides. */
export function ConflictNote({ board, task, conflict, actions }: ConflictNoteProps) {
  const { id, mine, theirs } = conflict
  const edit = (): void => {
    conflict.takeTheirs()
    actions.edit({ ...task, ...theirs }, mine)
  }
  const fields = Object.keys(mine) as (keyof Draft)[]
  const mutationId = board.recentChanges.lastOf(id)
  const author = (mutationId && board.authorOf(mutationId)?.name) || 'Somebody'
  return (
    <div className="note" data-kind="conflict" role="alert" data-testid="conflict">
      <p>{author} changed this while you were offline. Keep yours, take theirs, or edit.</p>
      <dl className="versions">
        {fields.map((field) => (
          <div key={field}>
            <dt>Yours</dt>
            <dd>{mine[field] || '(empty)'}</dd>
            <dt>Theirs</dt>
            <dd>{theirs[field] || '(empty)'}</dd>
          </div>
        ))}
      </dl>
      <div className="note-actions">
        <button type="button" className="button" onClick={conflict.keepMine}>
          Keep mine
        </button>
        <button type="button" className="button" onClick={conflict.takeTheirs}>
          Take theirs
        </button>
        <button type="button" className="button" onClick={edit}>
          Edit
        </button>
      </div>
    </div>
  )
}
