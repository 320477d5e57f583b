// What this tab tells the others: which card is open, which writes are ours, and whether somebody sits here.
import type { JoinedRoom } from '@dnr/presence/client'
import type { Member } from '@dnr/protocol'

/** What a member says of itself; anybody may send anything, so it is read with care. */
export interface Note {
  /** The card that is open for editing. */
  readonly card: string | null
  /** Ids of the latest mutations, so that others know whose change they see. */
  readonly wrote: readonly string[]
}

export function noteOf({ metadata }: Member): Note {
  const { card, wrote } = metadata as { readonly card?: unknown; readonly wrote?: unknown }
  return {
    card: typeof card === 'string' ? card : null,
    wrote: Array.isArray(wrote) ? wrote.filter((id) => typeof id === 'string') : [],
  }
}

export interface MyPresence {
  openCard(id: string | null): void
  wrote(mutationId: string): void
  stop(): void
}

const KEPT_MUTATIONS = 12
const IDLE_AFTER_MS = 60_000

export function createMyPresence(room: JoinedRoom): MyPresence {
  let note: Note = { card: null, wrote: [] }
  const tell = (change: Partial<Note>): void => {
    note = { ...note, ...change }
    room.update({ ...note })
  }
  const stopWatching = watchActivity(room)
  return {
    openCard: (card) => tell({ card }),
    wrote: (mutationId) => tell({ wrote: [...note.wrote, mutationId].slice(-KEPT_MUTATIONS) }),
    stop: stopWatching,
  }
}

/** Active while there is input, idle after a minute without, away while the tab is hidden. */
function watchActivity(room: JoinedRoom): () => void {
  const end = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  const beat = (): void => {
    clearTimeout(timer)
    if (document.hidden) return room.heartbeat('away')
    room.heartbeat('active')
    timer = setTimeout(() => room.heartbeat('idle'), IDLE_AFTER_MS)
  }
  for (const name of ['pointerdown', 'pointermove', 'keydown'])
    window.addEventListener(name, beat, { signal: end.signal, passive: true })
  document.addEventListener('visibilitychange', beat, { signal: end.signal })
  beat()
  return () => {
    end.abort()
    clearTimeout(timer)
  }
}
