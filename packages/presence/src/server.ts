export { presence } from './server-plugin/presence-plugin.ts'
export type { PresenceOptions } from './server-plugin/presence-plugin.ts'
export type { PresenceView } from './server-plugin/telling.ts'
export type { PresenceHost, PresencePlugin, PresenceSession } from './server-plugin/presence-host.ts'
