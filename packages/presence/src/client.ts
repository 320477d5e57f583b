export { applyPresence, createPresenceManager } from './client-manager/presence-manager.ts'
export type {
  JoinedRoom,
  PresenceManager,
  PresenceManagerOptions,
  PresenceRoom,
  PresenceTransport,
} from './client-manager/presence-manager.ts'
