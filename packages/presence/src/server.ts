export { presence } from './server-plugin/presence-plugin.ts'
export type {
  PresenceHost,
  PresenceOptions,
  PresencePlugin,
  PresenceSession,
} from './server-plugin/presence-plugin.ts'
