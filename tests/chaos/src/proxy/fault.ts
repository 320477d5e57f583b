// What can happen to a connection, as data, and how it is done to one. The names are those of the table of faults.
import type { Link } from './link.ts'

export type Fault =
  /** Closed in order (`fin`) or broken (`rst`), for both ends. */
  | { readonly kind: 'cut'; readonly how: 'fin' | 'rst' }
  /** Bytes and closes vanish without a sign, one way or both; at last both ends see a reset. */
  | { readonly kind: 'blackhole'; readonly way: 'up' | 'down' | 'both'; readonly forMs: number }
  /** Nothing moves for a while; nothing is lost. */
  | { readonly kind: 'stall'; readonly forMs: number }
  /** What the server sends is taken and lost, and then the connection breaks. */
  | { readonly kind: 'loseTail'; readonly forMs: number }
  /** One way ends in order: `down` is what the server says, `up` what the client says. */
  | { readonly kind: 'halfClose'; readonly way: 'up' | 'down' }
  /** Bytes come in segments of at most so many. */
  | { readonly kind: 'dribble'; readonly maxBytes: number; readonly forMs: number }
  /** The server's next bytes are lost, and the connection with them: it has done what it was asked, nobody hears so. */
  | { readonly kind: 'loseReply' }
  /** The client sees a reset, the server nothing: the old connection lives on while the client is back. */
  | { readonly kind: 'zombie'; readonly forMs: number }

export type FaultKind = Fault['kind']

/** Something under way: `end` ends it. */
export interface Ongoing {
  readonly forMs: number
  end(): void
}

/** Does the fault to the link; what lasts is returned, for the caller to end in time. */
export function inflict(link: Link, fault: Fault): Ongoing | null {
  switch (fault.kind) {
    case 'cut':
      if (fault.how === 'fin') link.end()
      else link.reset()
      return null
    case 'blackhole': {
      const { way, forMs } = fault
      link.part()
      if (way !== 'down') link.up.vanish()
      if (way !== 'up') link.down.vanish()
      return { forMs, end: () => link.reset() }
    }
    case 'stall':
      for (const pipe of [link.up, link.down]) pipe.hold()
      return { forMs: fault.forMs, end: () => [link.up, link.down].forEach((pipe) => pipe.release()) }
    case 'loseTail':
      link.down.vanish()
      return { forMs: fault.forMs, end: () => link.reset() }
    case 'halfClose':
      link[fault.way].endTarget()
      return null
    case 'dribble': {
      const segment = (maxBytes: number): void =>
        [link.up, link.down].forEach((pipe) => pipe.segment(maxBytes))
      segment(fault.maxBytes)
      return { forMs: fault.forMs, end: () => segment(Number.POSITIVE_INFINITY) }
    }
    case 'loseReply':
      link.down.interceptNext(() => link.reset())
      return null
    case 'zombie':
      link.part()
      link.up.vanish()
      link.down.vanish()
      link.reset('client')
      return { forMs: fault.forMs, end: () => link.reset() }
  }
}
