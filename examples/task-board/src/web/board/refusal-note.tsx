import type { FailedMutation } from '@dnr/optimistic'
import { sentenceOf } from '../model/refusal.ts'

interface RefusalNoteProps {
  readonly failure: FailedMutation
  /** What was written, where the row does not show it. */
  readonly attempt?: string | undefined
  /** Opens an editor with what was written; without it there is nothing to edit. */
  readonly edit?: (() => void) | undefined
}

/** Why a write was refused, and what can be done about it. */
export function RefusalNote({ failure, attempt, edit }: RefusalNoteProps) {
  const editInstead = (): void => {
    failure.discard()
    edit?.()
  }
  return (
    <div className="note" data-kind="refused" role="alert" data-testid="refusal">
      <p>{sentenceOf(failure.error)}</p>
      {attempt !== undefined && <p className="note-attempt">“{attempt}”</p>}
      <div className="note-actions">
        <button type="button" className="button" onClick={() => void failure.retry()}>
          Retry
        </button>
        {edit && (
          <button type="button" className="button" onClick={editInstead}>
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
