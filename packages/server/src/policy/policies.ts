import { DnrError, type Principal } from '@dnr/protocol'
import type { ChannelAllowance, ChannelKind } from './channel-rule.ts'
import type { Allowance } from './rule.ts'

/** All rules of a server. What has none is denied to everybody, but to users their own channel. */
export interface Policies<P extends Principal = Principal> {
  readonly allowancesByEntity: ReadonlyMap<string, Allowance<P>>
  readonly allowancesByChannelKind: ReadonlyMap<ChannelKind, ChannelAllowance<P>>
}

/**
 * Collects the rules that guard HTTP, socket writes, snapshots, replays, live events, presence, rooms and user channels
 * alike. The default is no.
 *
 * @throws DnrError `bad_option` when an entity, or a kind of channel, has two rules.
 * @example
 * policies(
 *   allow(Task, (user: User | null) => user !== null),
 *   allowChannel('presence', (user: User, resource) => resource === `board/${user.team}`),
 * )
 */
export function policies<P extends Principal = Principal>(
  ...allowances: readonly (Allowance<P> | ChannelAllowance<P>)[]
): Policies<P> {
  const allowancesByEntity = new Map<string, Allowance<P>>()
  const allowancesByChannelKind = new Map<ChannelKind, ChannelAllowance<P>>()
  for (const allowance of allowances) {
    if ('entity' in allowance) {
      const { name } = allowance.entity
      addOnce(allowancesByEntity, name, allowance, `allow(${name}, …)`)
    } else {
      const { kind } = allowance
      addOnce(allowancesByChannelKind, kind, allowance, `allowChannel('${kind}', …)`)
    }
  }
  return { allowancesByEntity, allowancesByChannelKind }
}

function addOnce<Name extends string, A>(byName: Map<Name, A>, name: Name, allowance: A, call: string): void {
  if (byName.has(name))
    throw new DnrError('bad_option', `policies: ${name} has two rules. Give it one ${call}.`)
  byName.set(name, allowance)
}
