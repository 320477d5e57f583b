import { useSignalValue } from '@dnr/react'
import { useEffect, useRef, useState } from 'react'
import type { Status, Task } from '../../shared/task.ts'
import type { Board } from '../model/board.ts'
import { byColumn, COLUMNS, nameOfColumn } from '../model/columns.ts'
import type { Draft } from '../model/conflicts.ts'
import { CardFace } from './card-face.tsx'
import { Column } from './column.tsx'
import { Pager } from './pager.tsx'
import { useBoardKeys } from './use-board-keys.ts'
import { useCardDrag } from './use-card-drag.ts'
import { useFocusKeeper } from './use-focus-keeper.ts'
import { useGlide } from './use-glide.ts'

/** What is open on the board: at most one thing at a time. */
export type Open =
  /** Here, and not in the card: a card that somebody moves meanwhile is a new element in its new column. */
  | { readonly kind: 'editor'; readonly id: string; readonly base: Task; readonly draft: Draft }
  | { readonly kind: 'composer'; readonly status: Status; readonly title?: string }
  /** A card that waits for a yes to its deletion, or for an arrow to move along. */
  | { readonly kind: 'deleting' | 'moving'; readonly id: string }

export interface BoardActions {
  open(what: Open | null): void
  /** Opens a card's editor; `draft` is what it holds at first where that differs from the task. */
  edit(task: Task, draft?: Draft): void
  move(task: Task, status: Status, index: number): void
  remove(task: Task): void
}

export function Columns({ board, onShowKeys }: { readonly board: Board; readonly onShowKeys: () => void }) {
  const root = useRef<HTMLDivElement>(null)
  const [open, setOpen] = useState<Open | null>(null)
  const rows = useSignalValue(board.tasks.rows)
  const failed = useSignalValue(board.tasks.failed)

  const giveFocusTo = useFocusKeeper(root)
  const actions: BoardActions = {
    open(what) {
      const editedId = what?.kind === 'editor' ? what.id : null
      if (editedId !== (open?.kind === 'editor' ? open.id : null)) board.me.openCard(editedId)
      // What was open gives the focus back to its card.
      if (what === null && open !== null && 'id' in open) giveFocusTo(open.id)
      setOpen(what)
    },
    edit(task, draft = {}) {
      actions.open({ kind: 'editor', id: task.id, base: task, draft })
    },
    move(task, status, index) {
      board.writes.move(task.id, status, index)
      const column = byColumn(board.tasks.rows.peek())[status]
      const place = column.findIndex(({ id }) => id === task.id) + 1
      board.notices.say(`Moved “${task.title}” to ${nameOfColumn(status)}, ${place} of ${column.length}.`)
    },
    remove(task) {
      board.writes.remove(task.id)
      board.notices.say(`Deleted “${task.title}”.`)
      actions.open(null)
    },
  }
  const { holdLifted, ...drag } = useCardDrag({ root, onDrop: actions.move })
  // While a card is carried the list holds still under the pointer.
  const shown = byColumn(drag.frozen ?? rows)
  useClosedWithItsCard(board, open, actions)
  useBoardKeys({ board, root, open, actions, onShowKeys })
  useGlide(root)

  return (
    <main className="board" ref={root} data-dragging={drag.task !== null || undefined}>
      <Pager root={root} counts={byColumn(rows)} />
      <div className="columns" data-testid="columns">
        {COLUMNS.map(({ status, name }) => (
          <Column
            key={status}
            board={board}
            status={status}
            name={name}
            tasks={shown[status]}
            refused={failed.filter(
              (failure) => failure.operation === 'create' && statusOf(failure.fields) === status,
            )}
            open={open}
            actions={actions}
            carried={drag.task?.id ?? null}
            gapAt={drag.target?.status === status ? drag.target.index : null}
            gapHeight={drag.height}
            onPointerDown={(event, task) => drag.press(event, task, rows)}
          />
        ))}
      </div>
      {drag.task !== null && (
        <div className="lifted" data-lifted={drag.task.id} ref={holdLifted} aria-hidden="true">
          <CardFace board={board} task={drag.task} />
        </div>
      )}
    </main>
  )
}

/** What is open on a card goes with it when somebody deletes the card or takes it out of sight. */
function useClosedWithItsCard(board: Board, open: Open | null, actions: BoardActions): void {
  const isGone = open !== null && 'id' in open && board.tasks.byId(open.id) === undefined
  const wasEdited = open?.kind === 'editor' && Object.keys(open.draft).length > 0
  useEffect(() => {
    if (!isGone) return
    if (wasEdited) board.notices.show('The task that you were editing is gone.', 'error')
    actions.open(null)
  })
}

function statusOf(fields: Readonly<Record<string, unknown>> | null): Status {
  const status = fields?.['status']
  return status === 'doing' || status === 'done' ? status : 'todo'
}
