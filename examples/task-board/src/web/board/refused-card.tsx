import type { FailedMutation } from '@dnr/optimistic'
import type { Status } from '../../shared/task.ts'
import { sentenceOf } from '../model/refusal.ts'
import type { BoardActions } from './columns.tsx'

interface RefusedCardProps {
  readonly failure: FailedMutation
  readonly status: Status
  readonly actions: BoardActions
}

/** A new task that the server refused: its text is not lost. */
export function RefusedCard({ failure, status, actions }: RefusedCardProps) {
  const { title = '' } = failure.fields as { readonly title?: string }
  const edit = (): void => {
    failure.discard()
    actions.open({ kind: 'composer', status, title })
  }
  return (
    <li className="card" data-refused data-testid="refused-card">
      <div className="card-face">
        <h3>{title.length > 120 ? `${title.slice(0, 120)}…` : title}</h3>
      </div>
      <div className="note" data-kind="refused" role="alert" data-testid="refusal">
        <p>{sentenceOf(failure.error)}</p>
        <div className="note-actions">
          <button type="button" className="button" onClick={() => void failure.retry()}>
            Retry
          </button>
          <button type="button" className="button" onClick={edit}>
            Edit
          </button>
          <button type="button" className="button" onClick={failure.discard}>
            Discard
          </button>
        </div>
      </div>
    </li>
  )
}
