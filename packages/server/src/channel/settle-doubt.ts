// A group in doubt is asked about: does its rule answer again? Then all of its members are rechecked, as after a change of
// rights, which sends what was wrongly hidden. Holds nothing.
import { matchesWhere } from '@dnr/protocol'
import { isLive, principalOf } from '../connection/connection.ts'
import type { AuthorizeChannel } from './authorize-channel.ts'
import type { Doubt } from './doubt.ts'
import { entityOf, type KnownEntity } from './entities.ts'
import { type Affected, membersOf } from './affected.ts'
import type { Group } from './subscription.ts'

export interface SettlingContext {
  readonly entities: ReadonlyMap<string, KnownEntity>
  readonly authorize: AuthorizeChannel
  recheck(affected: Affected): Promise<void>
  onError(error: unknown, what: string): void
}

/**
 * Rechecks a group if its rule knows by now what to say of at least one of the rows that it failed on. A rule that goes on
 * failing costs a look at those rows alone, and its members notice nothing of it.
 */
export async function settleDoubt(group: Group, context: SettlingContext): Promise<void> {
  try {
    if (await isAnswering(group, context)) await context.recheck(membersOf(group))
  } catch (error) {
    context.onError(error, 'asking again about rows that a rule failed on')
  }
}

async function isAnswering(group: Group, context: SettlingContext): Promise<boolean> {
  const { doubt } = group
  const known = entityOf(group, context.entities)
  if (doubt === null || known === undefined) return false
  if (known.store === null) {
    // Events alone: there is no row that could be sent now.
    group.doubt = null
    return false
  }
  return answersAbout(doubt, group, { ...known, store: known.store }, context)
}

async function answersAbout(
  doubt: Doubt,
  group: Group,
  { store, codec }: KnownEntity & { readonly store: NonNullable<KnownEntity['store']> },
  { authorize }: SettlingContext,
): Promise<boolean> {
  const members = group.members.filter(({ connection }) => isLive(connection))
  const member = members[doubt.asked++ % members.length]
  const principal = member === undefined ? null : principalOf(member.connection)
  if (principal === null) return false
  const asked = [...doubt.ids]
  const authorization = await authorize(principal, group.channel.channel)
  if (authorization === 'unknown') return false
  const { rows } = await store.find({ where: { id: { in: asked } }, limit: asked.length })
  // Of a row that is gone, or not asked for, there is nothing to say any more.
  const isAnswered = (row: (typeof rows)[number]): boolean =>
    authorization?.grant?.judge(row) !== 'unknown' ||
    (group.where !== null && !matchesWhere(codec.encode(row), group.where))
  return rows.length < asked.length || rows.some(isAnswered)
}
