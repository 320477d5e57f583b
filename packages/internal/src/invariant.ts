/**
 * States what this code relies on, and narrows the type accordingly.
 *
 * For our own mistakes only, never for input.
 *
 * @throws Error naming the broken rule, when `condition` is not truthy.
 */
export function invariant(condition: unknown, rule: string): asserts condition {
  if (!condition)
    throw new Error(`Invariant broken: ${rule}. This is a bug in DNR realtime, please report it.`)
}
