export { diffMembers, memberOf, membersOf } from './tracker/presence-state.ts'
export type { Meta, Person, Room, RoomDiff } from './tracker/presence-state.ts'
export { createPresenceTracker } from './tracker/presence-tracker.ts'
export type { PresenceTracker, PresenceTrackerOptions, StaleEntry } from './tracker/presence-tracker.ts'
