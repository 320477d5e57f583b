import type { FailedMutation } from '@dnr/optimistic'
import type { Task } from '../../shared/task.ts'
import type { Draft } from '../model/conflicts.ts'
import type { BoardActions } from './columns.tsx'
import { RefusalNote } from './refusal-note.tsx'

interface RefusedChangeProps {
  readonly task: Task
  readonly failure: FailedMutation
  readonly actions: BoardActions
}

/** A change of a task that the server refused. The row itself is back as it was. */
export function RefusedChange({ task, failure, actions }: RefusedChangeProps) {
  const { operation, fields } = failure
  const text = fields?.['title'] ?? fields?.['notes']
  if (typeof text !== 'string') return <RefusalNote failure={failure} />
  const edit = (): void => actions.edit(task, fields as Draft)
  return <RefusalNote failure={failure} attempt={text} edit={operation === 'update' ? edit : undefined} />
}
