import { DnrError, type Principal } from '@dnr/protocol'
import type { Allowance } from './rule.ts'

/** All rules of a server. An entity without one is denied to everybody. */
export interface Policies<P extends Principal = Principal> {
  readonly allowancesByEntity: ReadonlyMap<string, Allowance<P>>
}

/**
 * Collects the rules that guard HTTP, socket writes, snapshots, replays and live events alike. The default is no.
 *
 * @throws DnrError `bad_option` when an entity has two rules.
 * @example
 * policies(allow(Task, (user: User | null) => user !== null), allow(Team, () => true))
 */
export function policies<P extends Principal = Principal>(
  ...allowances: readonly Allowance<P>[]
): Policies<P> {
  const allowancesByEntity = new Map<string, Allowance<P>>()
  for (const allowance of allowances) {
    const { name } = allowance.entity
    if (allowancesByEntity.has(name)) {
      throw new DnrError('bad_option', `policies: ${name} has two rules. Give it one allow(${name}, …).`)
    }
    allowancesByEntity.set(name, allowance)
  }
  return { allowancesByEntity }
}
