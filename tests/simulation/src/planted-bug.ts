import type { ChangeSink } from '@dnr/protocol'
import type { StandingRule } from './standings.ts'
import type { ChangeHistory, EntityStore, RealtimeServer, ServerPlugin, ServerSocket } from '@dnr/server'

/** A broken variant of the hub: it wraps the ports that the server is made of, and the product's code stays as it is. */
export interface PlantedBug {
  readonly name: string
  history?(history: ChangeHistory): ChangeHistory
  store?(store: EntityStore, hub: () => RealtimeServer): EntityStore
  sink?(sink: ChangeSink, hub: RealtimeServer): ChangeSink
  /** What the policies of the server give, instead of what they should. */
  rule?(rule: StandingRule, user: string, entity: string): StandingRule
  /** May a user hear a channel without rows? */
  hears?(answer: boolean, user: string, channel: string): boolean
  plugin?(plugin: ServerPlugin): ServerPlugin
  server?(server: RealtimeServer): RealtimeServer
  socket?(socket: ServerSocket): ServerSocket
}
