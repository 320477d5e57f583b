/** One sentence of a port's contract: `run` resolves when it holds, and throws a {@link ContractViolation} when it does not. */
export interface ContractCase<Make> {
  readonly name: string
  run(make: Make): Promise<void>
}

/** An adapter does not keep its port's contract. */
export class ContractViolation extends Error {
  override readonly name = 'ContractViolation'
}

/** @throws ContractViolation */
export function holds(condition: boolean, what: string, actual?: unknown): void {
  if (!condition)
    throw new ContractViolation(actual === undefined ? what : `${what}: ${JSON.stringify(actual)}`)
}

/** @throws ContractViolation */
export function same(actual: unknown, expected: unknown, what: string): void {
  const [is, should] = [JSON.stringify(actual), JSON.stringify(expected)]
  holds(is === should, `${what}: expected ${should}, got ${is}`)
}
