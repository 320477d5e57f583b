/** `same`: everybody missed the same changes. `spread`: everybody another stretch, from half of them to half as many again. */
export type Gap = 'same' | 'spread'

/** How many changes each client missed; `changes` on average. */
export function missedBy(clients: number, changes: number, gap: Gap): number[] {
  const missedOf = (client: number): number =>
    gap === 'same' ? changes : Math.floor(changes / 2 + (client * changes) / clients)
  return Array.from({ length: clients }, (_, client) => missedOf(client))
}
