// Draws faults like cards: seeded, and each kind comes round before any comes again too often.
import type { Fault } from './fault.ts'

/** Makes the next fault. */
export type FaultDeck = () => Fault

type Dealer = (between: (least: number, most: number) => number, isEither: () => boolean) => Fault

const DEALERS: readonly Dealer[] = [
  (_, isEither) => ({ kind: 'cut', how: isEither() ? 'fin' : 'rst' }),
  (between) => ({ kind: 'stall', forMs: between(20, 600) }),
  (between, isEither) => ({
    kind: 'blackhole',
    way: isEither() ? 'both' : isEither() ? 'up' : 'down',
    forMs: between(200, 2_500),
  }),
  (between) => ({ kind: 'loseTail', forMs: between(5, 150) }),
  (_, isEither) => ({ kind: 'halfClose', way: isEither() ? 'up' : 'down' }),
  (between) => ({ kind: 'dribble', maxBytes: between(1, 40), forMs: between(100, 800) }),
  () => ({ kind: 'loseReply' }),
  (between) => ({ kind: 'zombie', forMs: between(200, 3_000) }),
]

/** A deck of every kind of fault, shuffled anew when it is used up. */
export function createFaultDeck(random: () => number): FaultDeck {
  let deck: Dealer[] = []
  const between = (least: number, most: number): number => least + Math.floor(random() * (most - least + 1))
  const isEither = (): boolean => random() < 0.5
  return () => {
    if (deck.length === 0) deck = shuffled(DEALERS, random)
    return (deck.pop() as Dealer)(between, isEither)
  }
}

function shuffled<Item>(items: readonly Item[], random: () => number): Item[] {
  const rest = [...items]
  return items.map(() => rest.splice(Math.floor(random() * rest.length), 1)[0] as Item)
}
