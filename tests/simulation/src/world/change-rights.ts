// Memberships change, and the application says for whom: in the same breath, so that from this moment on nothing may be sent by
// the rights of before.
import type { RightsScope } from '@dnr/server'
import { TEAM_CHANNELS, userChannelOf } from '../channels.ts'
import { ENTITY_NAMES } from '../entities.ts'
import type { Operation, RightsScopeKind } from '../program/operation.ts'
import { idOf, ROWS } from '../program/setting.ts'
import { keysOf } from '../standings.ts'
import type { World } from './world.ts'

type RightsOperation = Extract<Operation, { readonly do: 'team' | 'open-team' }>

export function changeRights(world: World, operation: RightsOperation): void {
  const { standings, checker, program, server } = world
  const users = operation.do === 'team' ? [`u${operation.client}`] : [...standings.usersOf(operation.team)]
  const keys = keysOf(standings, users, program.policy)
  if (operation.do === 'team') standings.setTeam(`u${operation.client}`, operation.team, operation.role)
  else standings.setOpen(operation.team, operation.isOpen)
  world.count('rights changed while connected')
  checker.rightsChanged()
  if (server === null) return
  // What a shared key means has changed: that is told of the key, not of its users one by one.
  const isOfKeys = operation.do === 'open-team' && keys.size > 0 && operation.scope === 'userId'
  for (const scope of scopesOf(isOfKeys ? 'key' : operation.scope, users, keys)) {
    server.realtime.invalidate(scope).catch((error: unknown) => world.note(`invalidate: ${String(error)}`))
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
