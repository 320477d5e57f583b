export { applyPresence } from './client-manager/apply-presence.ts'
export { createPresenceManager } from './client-manager/presence-manager.ts'
export type {
  JoinedRoom,
  PresenceManager,
  PresenceManagerOptions,
  PresenceRoom,
} from './client-manager/presence-manager.ts'
export type { PresenceTransport, VisibilitySource } from './client-manager/presence-transport.ts'
export type { PresenceRefusal } from './client-manager/visit.ts'
