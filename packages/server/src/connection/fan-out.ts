// What many are told gathers here until the work at hand is done, so that each of them is visited once for all of it and
// not once for each frame: of a thousand connections the processor's caches hold no visit.
import type { Frame, FrameRun } from '../ports/server-socket.ts'
import { afterTick } from './after-tick.ts'
import { type Chain, createChains } from './chains.ts'
import type { Connection } from './connection.ts'

/** Who gets the same frames. */
export interface Audience {
  readonly members: readonly { readonly connection: Connection }[]
}

export interface FanOut {
  /**
   * To every member. Two audiences on one `lane` have no connection in common, so that it does not matter who of them is
   * served first; what is said on another lane comes after what was said on this one.
   */
  add(audience: Audience, lane: string, frame: Frame): void
  /**
   * Tells what has gathered. Called before anything else is said to anybody, before a connection closes, before somebody
   * joins an audience or leaves it, and before rights count that have changed.
   */
  flush(): void
}

/** Bytes for one audience that are not kept any longer. */
const MAX_GATHERED_BYTES = 65_536

export function createFanOut(tell: (connection: Connection, said: Frame | FrameRun) => void): FanOut {
  // Audiences that were told the same share the run, and with it the bytes that the transport makes of it.
  const { start, append, wholeOf } = createChains<Frame, FrameRun>(
    ({ byteLength }) => byteLength,
    (frames, byteLength) => ({ frames, byteLength, wire: undefined }),
  )
  let empty = start()
  let gathered = new Map<Audience, Chain<Frame, FrameRun>>()
  // The first on a lane waits by itself until there is another: of a thousand channels each may have one change in a tick.
  let first: { readonly audience: Audience; readonly frame: Frame } | null = null
  let lane = ''
  let endsTick = false

  const tellAll = ({ members }: Audience, said: Frame | FrameRun): void => {
    // From the end: a member that is removed meanwhile makes place for one that has been served.
    for (let index = members.length - 1; index >= 0; index--) {
      const member = members[index]
      if (member !== undefined) tell(member.connection, said)
    }
  }

  const gather = (audience: Audience, frame: Frame): void => {
    const chain = append(gathered.get(audience) ?? empty, frame)
    gathered.set(audience, chain)
    if (chain.bytes > MAX_GATHERED_BYTES) flush()
  }

  const flush = (): void => {
    if (first !== null) {
      const { audience, frame } = first
      first = null
      tellAll(audience, frame)
    }
    if (gathered.size === 0) return
    const chains = gathered
    gathered = new Map()
    empty = start()
    for (const [audience, chain] of chains) tellAll(audience, wholeOf(chain))
  }

  const endTick = (): void => {
    endsTick = false
    flush()
  }

  return {
    add(audience, itsLane, frame) {
      if (itsLane !== lane) flush()
      lane = itsLane
      if (!endsTick) afterTick(endTick)
      endsTick = true
      if (first === null && gathered.size === 0) {
        first = { audience, frame }
        return
      }
      if (first !== null) {
        const { audience: firstAudience, frame: firstFrame } = first
        first = null
        gather(firstAudience, firstFrame)
      }
      gather(audience, frame)
    },
    flush,
  }
}
