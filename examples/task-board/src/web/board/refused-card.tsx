import type { FailedMutation } from '@dnr/optimistic'
import type { Status } from '../../shared/task.ts'
import type { BoardActions } from './columns.tsx'
import { RefusalNote } from './refusal-note.tsx'

interface RefusedCardProps {
  readonly failure: FailedMutation
  readonly status: Status
  readonly actions: BoardActions
}

/** A new task that the server refused: its text is not lost. */
export function RefusedCard({ failure, status, actions }: RefusedCardProps) {
  const { title = '' } = failure.fields as { readonly title?: string }
  const edit = (): void => actions.open({ kind: 'composer', status, title })
  return (
    <li className="card" data-refused data-testid="refused-card">
      <div className="card-face">
        <h3>{title.length > 120 ? `${title.slice(0, 120)}…` : title}</h3>
      </div>
      <RefusalNote failure={failure} edit={edit} />
    </li>
  )
}
