// Time
export { createManualClock } from './clock/manual-clock.ts'
export type { ManualClock, ManualClockOptions } from './clock/manual-clock.ts'
export { drainMicrotasks } from './clock/drain-microtasks.ts'

// Sockets
export { createSocketPair } from './socket/socket-pair.ts'
export type { Direction, SocketPair, SocketPairOptions } from './socket/socket-pair.ts'
export type { ClientCloseEvent, ClientEnd } from './socket/client-end.ts'
export type { ServerEnd, ServerFrame, ServerSocketEvents } from './socket/server-end.ts'

// Randomness
export { createSeededRandom } from './random/seeded-random.ts'
