import { useSignalValue } from '@dnr/react'
import type { Task } from '../../shared/task.ts'
import { ADMIN } from '../../shared/user.ts'
import type { Board } from '../model/board.ts'
import { Avatar } from '../shell/avatar.tsx'

/** What a card shows of its task: title, one line of notes, who does it. */
export function CardFace({ board, task }: { readonly board: Board; readonly task: Task }) {
  const members = useSignalValue(board.members)
  const isAdmin = useSignalValue(board.team) === ADMIN
  const { assignee } = task
  const name = members.find(({ id }) => id === assignee)?.name ?? assignee
  const [firstLine = ''] = task.notes.trim().split('\n')
  return (
    <div className="card-face">
      <h3 data-testid="title">{task.title}</h3>
      {firstLine !== '' && (
        <p className="card-notes" data-testid="notes">
          {firstLine}
        </p>
      )}
      {isAdmin && (
        <span className="team-chip" data-team={task.team}>
          {task.team}
        </span>
      )}
      {assignee !== null && name !== null && (
        <Avatar id={assignee} name={name} title={`assigned to ${name}`} />
      )}
    </div>
  )
}
