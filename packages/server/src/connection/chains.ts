// Sequences that many build step by step, each its own, and that mostly come out alike: who took the same steps has the
// same object, so that what is made of it is made once.
//
//   start ─ f1 ─ f2 ─ f3        a, b, c took f1 f2 f3: one whole for the three of them
//             └─ f4             d took f1 f2 f4

/** A sequence of parts; its steps never change, so that many may share it. The start of all has no part. */
export interface Chain<Part, Whole> {
  readonly parent: Chain<Part, Whole> | null
  readonly part: Part | null
  /** Bytes of all parts. */
  readonly bytes: number
  /** The last one asked for: nearly always it is asked for again. */
  next: Chain<Part, Whole> | null
  others: Map<Part, Chain<Part, Whole>> | null
  whole: Whole | null
}

export interface Chains<Part, Whole> {
  /** The empty sequence, from which others grow; they are dropped with it. */
  start(): Chain<Part, Whole>
  /** The sequence with one more part: the same one for everybody who asks for the same. */
  append(chain: Chain<Part, Whole>, part: Part): Chain<Part, Whole>
  /** What the parts are together. */
  wholeOf(chain: Chain<Part, Whole>): Whole
}

/** Chains of parts of which `bytesOf` tells the size and `join` makes the whole. */
export function createChains<Part extends object, Whole>(
  bytesOf: (part: Part) => number,
  join: (parts: readonly Part[], bytes: number) => Whole,
): Chains<Part, Whole> {
  return {
    start: () => ({ parent: null, part: null, bytes: 0, next: null, others: null, whole: null }),
    append(chain, part) {
      const { next } = chain
      if (next !== null && next.part === part) return next
      const known = chain.others?.get(part)
      if (known !== undefined) return known
      const added: Chain<Part, Whole> = {
        parent: chain,
        part,
        bytes: chain.bytes + bytesOf(part),
        next: null,
        others: null,
        whole: null,
      }
      if (next !== null && next.part !== null) {
        chain.others ??= new Map()
        chain.others.set(next.part, next)
      }
      chain.next = added
      return added
    },
    wholeOf: (chain) => (chain.whole ??= join(partsOf(chain), chain.bytes)),
  }
}

function partsOf<Part>(chain: Chain<Part, unknown>): Part[] {
  const parts: Part[] = []
  for (let link: Chain<Part, unknown> | null = chain; link !== null; link = link.parent)
    if (link.part !== null) parts.push(link.part)
  return parts.reverse()
}
