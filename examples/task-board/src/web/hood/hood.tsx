import { useSignalValue } from '@dnr/react'
import { useMemo, useState } from 'react'
import { computed } from '@preact/signals-core'
import { ADMIN } from '../../shared/user.ts'
import type { Board } from '../model/board.ts'
import type { JournalEntry } from '../model/journal.ts'
import type { OwnWrite } from '../model/task-writes.ts'
import { Icon } from '../shell/icons.tsx'
import { Explanation } from './explanation.tsx'

/** What happens behind the board, as it happens. */
export function Hood({ board, onClose }: { readonly board: Board; readonly onClose: () => void }) {
  const position = useSignalValue(board.position)
  const status = useSignalValue(board.tasks.status)
  const entries = useSignalValue(board.journal.entries)
  const writes = useSignalValue(board.writes.latest)
  const pending = useSignalValue(board.optimistic.pendingCount)
  return (
    <aside className="drawer hood" aria-label="Under the hood" data-testid="hood">
      <header>
        <h2>Under the hood</h2>
        <button type="button" className="icon-button" aria-label="Close" onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      <dl className="hood-facts">
        <dt>Position</dt>
        <dd data-testid="position">{position === null ? '–' : `#${position.offset}`}</dd>
        <dt>History</dt>
        <dd title={position?.epoch}>{position === null ? '–' : position.epoch.slice(0, 6)}</dd>
        <dt>Rows</dt>
        <dd>{status}</dd>
        <dt>Pending</dt>
        <dd data-testid="pending">{pending}</dd>
      </dl>
      <h3>My writes</h3>
      <ul className="hood-list" data-testid="own-writes">
        {writes.length === 0 && <li className="quiet">Nothing yet: move a card.</li>}
        {writes.map((write) => (
          <OwnWriteLine key={write.mutation.mutationId} {...write} />
        ))}
      </ul>
      <h3>Events</h3>
      <ol className="hood-list" data-testid="journal">
        {entries.map((entry) => (
          <JournalLine key={entry.key} entry={entry} board={board} />
        ))}
      </ol>
    </aside>
  )
}

function OwnWriteLine({ label, mutation }: OwnWrite) {
  const state = useSignalValue(mutation.state)
  return (
    <li>
      <span className="hood-what">{label}</span>
      <span className="hood-state" data-state={state}>
        {state}
      </span>
    </li>
  )
}

function JournalLine({ entry, board }: { readonly entry: JournalEntry; readonly board: Board }) {
  const isAdmin = useSignalValue(board.team) === ADMIN
  const [isOpen, setOpen] = useState(false)
  const mutationId = entry.kind === 'event' ? entry.mutationId : null
  const author = useSignalValue(
    useMemo(
      () => computed(() => (mutationId === null ? null : board.authorOf(mutationId))),
      [board, mutationId],
    ),
  )
  if (entry.kind === 'line') return <li className="hood-note">{entry.text}</li>
  const who = author === null ? null : author.id === board.user.id ? 'you' : author.name
  const line = (
    <>
      <b>#{entry.offset}</b> Task {entry.what}
      {who !== null && ` · ${who}`} · {entry.latencyMs} ms
    </>
  )
  if (!isAdmin) return <li>{line}</li>
  return (
    <li>
      <button
        type="button"
        className="hood-event"
        title="Why?"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        {line}
      </button>
      {isOpen && <Explanation board={board} offset={entry.offset} />}
    </li>
  )
}
