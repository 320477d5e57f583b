import type { FailedMutation } from '@dnr/optimistic'
import type { Task } from '../../shared/task.ts'
import type { Draft } from '../model/conflicts.ts'
import { sentenceOf } from '../model/refusal.ts'
import type { BoardActions } from './columns.tsx'

interface RefusalNoteProps {
  readonly task: Task
  readonly failure: FailedMutation
  readonly actions: BoardActions
}

/** What was refused, why, and what can be done about it. The row itself is back as it was. */
export function RefusalNote({ task, failure, actions }: RefusalNoteProps) {
  const { operation, fields } = failure
  const text = fields?.['title'] ?? fields?.['notes']
  const edit = (): void => {
    failure.discard()
    actions.edit(task, fields as Draft)
  }
  return (
    <div className="note" data-kind="refused" role="alert" data-testid="refusal">
      <p>{sentenceOf(failure.error)}</p>
      {typeof text === 'string' && <p className="note-attempt">“{text}”</p>}
      <div className="note-actions">
        <button type="button" className="button" onClick={() => void failure.retry()}>
          Retry
        </button>
        {operation === 'update' && typeof text === 'string' && (
          <button type="button" className="button" onClick={edit}>
            Edit
          </button>
        )}
        <button type="button" className="button" onClick={failure.discard}>
          Discard
        </button>
      </div>
    </div>
  )
}
