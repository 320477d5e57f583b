import type { FailedMutation } from '@dnr/optimistic'
import { Fragment, type PointerEvent } from 'react'
import type { Status, Task } from '../../shared/task.ts'
import type { Board } from '../model/board.ts'
import { Icon } from '../shell/icons.tsx'
import { Card } from './card.tsx'
import type { BoardActions, Open } from './columns.tsx'
import { Composer } from './composer.tsx'
import { RefusedCard } from './refused-card.tsx'

export interface ColumnProps {
  readonly board: Board
  readonly status: Status
  readonly name: string
  readonly tasks: readonly Task[]
  /** New tasks that the server refused. */
  readonly refused: readonly FailedMutation[]
  readonly open: Open | null
  readonly actions: BoardActions
  /** The card that is being dragged, here or elsewhere. */
  readonly carried: string | null
  /** Where it would be dropped, counted without itself. */
  readonly gapAt: number | null
  readonly gapHeight: number
  onPointerDown(event: PointerEvent<HTMLElement>, task: Task): void
}

export function Column({ board, status, name, tasks, refused, open, actions, ...drag }: ColumnProps) {
  const composer = open?.kind === 'composer' && open.status === status ? open : null
  const resting = tasks.filter(({ id }) => id !== drag.carried)
  const gap = <li key="gap" className="gap" style={{ height: drag.gapHeight }} aria-hidden="true" />
  return (
    <section className="column" data-column={status} aria-label={name} data-testid={`column-${status}`}>
      <header>
        <h2>{name}</h2>
        <span className="count" data-testid={`count-${status}`}>
          {tasks.length}
        </span>
        <span className="spring" />
        <button
          type="button"
          className="icon-button"
          aria-label={`New task in ${name}`}
          onClick={() => actions.open({ kind: 'composer', status })}
        >
          <Icon name="plus" />
        </button>
      </header>
      <ul className="cards" data-list={status}>
        {tasks.map((task) => (
          <Fragment key={task.id}>
            {drag.gapAt !== null && resting[drag.gapAt]?.id === task.id && gap}
            <Card
              board={board}
              task={task}
              isCarried={task.id === drag.carried}
              open={open !== null && 'id' in open && open.id === task.id ? open : null}
              actions={actions}
              onPointerDown={drag.onPointerDown}
            />
          </Fragment>
        ))}
        {drag.gapAt !== null && drag.gapAt >= resting.length && gap}
        {refused.map((failure) => (
          <RefusedCard key={failure.mutationId} failure={failure} status={status} actions={actions} />
        ))}
        {composer !== null && (
          <Composer
            key={composer.title}
            initial={composer.title ?? ''}
            onCreate={(title) => board.writes.create(title, status)}
            onClose={() => actions.open(null)}
          />
        )}
        {tasks.length === 0 && refused.length === 0 && composer === null && drag.gapAt === null && (
          <li className="empty">Nothing {status === 'done' ? 'done yet' : 'here'}.</li>
        )}
      </ul>
    </section>
  )
}
