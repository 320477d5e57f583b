import { useSignalValue } from '@dnr/react'
import { useRef, useState } from 'react'
import type { Status, Task } from '../../shared/task.ts'
import type { Board } from '../model/board.ts'
import { byColumn, COLUMNS, nameOfColumn } from '../model/columns.ts'
import type { Draft } from '../model/conflicts.ts'
import { CardFace } from './card-face.tsx'
import { Column } from './column.tsx'
import { Pager } from './pager.tsx'
import { useBoardKeys } from './use-board-keys.ts'
import { useCardDrag } from './use-card-drag.ts'
import { focusCard, useFocusKeeper } from './use-focus-keeper.ts'
import { useGlide } from './use-glide.ts'

/** What is open on the board: at most one thing at a time. */
export type Open =
  | { readonly kind: 'editor'; readonly id: string; readonly draft?: Draft }
  | { readonly kind: 'composer'; readonly status: Status; readonly title?: string }
  /** A card that waits for a yes to its deletion, or for an arrow to move along. */
  | { readonly kind: 'deleting' | 'moving'; readonly id: string }

export interface BoardActions {
  open(what: Open | null): void
  move(task: Task, status: Status, index: number): void
  remove(task: Task): void
}

export function Columns({ board, onShowKeys }: { readonly board: Board; readonly onShowKeys: () => void }) {
  const root = useRef<HTMLDivElement>(null)
  const [open, setOpen] = useState<Open | null>(null)
  const rows = useSignalValue(board.tasks.rows)
  const failed = useSignalValue(board.tasks.failed)

  const actions: BoardActions = {
    open(what) {
      if (open?.kind === 'editor' && open.id !== (what as { id?: string } | null)?.id) board.me.openCard(null)
      if (what?.kind === 'editor') board.me.openCard(what.id)
      // What was open gives the focus back to its card.
      if (what === null && open !== null && 'id' in open) focusCard(root.current, open.id)
      setOpen(what)
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
      setOpen(null)
    },
  }
  const drag = useCardDrag({ root, onDrop: actions.move })
  // While a card is carried the list holds still under the pointer.
  const shown = byColumn(drag.frozen ?? rows)
  useBoardKeys({ board, root, open, actions, onShowKeys })
  useGlide(root)
  useFocusKeeper(root)

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
            refused={failed.filter((failure) => failure.operation === 'create' && statusOf(failure.fields) === status)}
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
        <div className="lifted" ref={drag.liftedRef} aria-hidden="true">
          <CardFace board={board} task={drag.task} />
        </div>
      )}
    </main>
  )
}

function statusOf(fields: Readonly<Record<string, unknown>> | null): Status {
  const status = fields?.['status']
  return status === 'doing' || status === 'done' ? status : 'todo'
}
