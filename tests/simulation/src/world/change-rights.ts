// Memberships change, and the application says for whom: in the same breath, so that from this moment on nothing may be sent by
// the rights of before. Or rules know already what is lost by it, and the application says so a little later.
import type { WireRow } from '@dnr/protocol'
import type { RightsScope } from '@dnr/server'
import { TEAM_CHANNELS, userChannelOf } from '../channels.ts'
import { ENTITY_NAMES } from '../entities.ts'
import type { Operation, RightsScopeKind } from '../program/operation.ts'
import { idOf, ROWS } from '../program/setting.ts'
import { EVERYTHING, keysOf, type Standings } from '../standings.ts'
import type { World } from './world.ts'

type RightsOperation = Extract<Operation, { readonly do: 'team' | 'open-team' }>

export function changeRights(world: World, operation: RightsOperation): void {
  const { program, clock } = world
  const isLate = operation.do === 'team' && operation.saidAfterMs !== undefined
  // A rule that is shared asks about nobody in particular.
  if (!isLate || program.policy.keys === 'shared') return changeAndSay(world, operation)
  const takeBack = loseAhead(world, operation)
  clock.setTimeout(() => {
    takeBack()
    changeAndSay(world, operation)
  }, operation.saidAfterMs)
}

/** To the checker that is a rule that fails: rows that may be seen are missing for a while. */
function loseAhead(
  world: World,
  { client, team, role }: Extract<RightsOperation, { do: 'team' }>,
): () => void {
  const { standings, checker } = world
  const { leaving } = world.rules
  world.count('rights said late')
  checker.policiesFail()
  const user = `u${client}`
  const stays = (entity: string, row: WireRow): boolean =>
    standings.rightsIn(team, role, entity)?.sees(row) === true
  leaving.set(user, stays)
  return () => void (leaving.get(user) === stays && leaving.delete(user))
}

function changeAndSay(world: World, operation: RightsOperation): void {
  const { standings, checker, program, servers } = world
  const users = operation.do === 'team' ? [`u${operation.client}`] : [...standings.usersOf(operation.team)]
  const keys = keysOf(standings, users, program.policy)
  const before = users.map((user) => breadthsOf(standings, user))
  if (operation.do === 'team') standings.setTeam(`u${operation.client}`, operation.team, operation.role)
  else standings.setOpen(operation.team, operation.isOpen)
  world.count('rights changed while connected')
  users.forEach((user, index) => countBreadths(world, before[index] ?? [], breadthsOf(standings, user)))
  checker.rightsChanged()
  world.waiting.rightsChanged()
  world.headAtRights = checker.log.head
  // What a shared key means has changed: that is told of the key, not of its users one by one.
  const isOfKeys = operation.do === 'open-team' && keys.size > 0 && operation.scope === 'userId'
  const scopes = scopesOf(isOfKeys ? 'key' : operation.scope, users, keys)
  for (const { realtime } of servers)
    realtime.invalidate(scopes).catch((error: unknown) => world.note(`invalidate: ${String(error)}`))
}

type Breadth = 'everything' | 'some' | 'nothing'

/** How much a user sees of each entity. */
function breadthsOf(standings: Standings, user: string): Breadth[] {
  return ENTITY_NAMES.map((entity) => {
    const rights = standings.rightsOf(user, entity)
    if (rights === null) return 'nothing'
    return rights === EVERYTHING ? 'everything' : 'some'
  })
}

function countBreadths(world: World, before: readonly Breadth[], after: readonly Breadth[]): void {
  for (const [index, breadth] of before.entries()) {
    const now = after[index]
    if (breadth === 'everything' && now === 'some') world.count('saw everything, sees fewer')
    if (breadth === 'everything' && now === 'nothing') world.count('saw everything, sees nothing')
    if (breadth === 'nothing' && now === 'everything') world.count('saw nothing, sees everything')
    if (breadth === 'some' && now === 'everything') world.count('saw fewer, sees everything')
  }
}

/** Whoever has a rule of their own has no key by which the application could name them. */
function scopesOf(kind: RightsScopeKind, users: readonly string[], keys: ReadonlySet<string>): RightsScope[] {
  const channels = [...TEAM_CHANNELS, ...users.map(userChannelOf)].map((channel) => ({ channel }))
  if (kind === 'channel') return [...CHANNELS.map((channel) => ({ channel })), ...channels]
  // A key is one of rules about rows: channels without rows are named beside it.
  if (kind === 'key' && keys.size > 0) return [...[...keys].map((key) => ({ key })), ...channels]
  return users.map((userId) => ({ userId }))
}

const CHANNELS = ENTITY_NAMES.flatMap((entity) => [
  `entity:${entity}`,
  ...Array.from({ length: ROWS }, (_, index) => `entity:${entity}:${idOf(entity, index)}`),
])
