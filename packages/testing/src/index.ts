// Time
export { createManualClock } from './clock/manual-clock.ts'
export type { ManualClock, ManualClockOptions } from './clock/manual-clock.ts'
export { drainMicrotasks } from './clock/drain-microtasks.ts'
export { followTurns } from './clock/turns.ts'
export type { Turns } from './clock/turns.ts'

// Sockets and the network
export { createSocketPair } from './socket/socket-pair.ts'
export type { Direction, SocketPair, SocketPairOptions } from './socket/socket-pair.ts'
export type { ClientCloseEvent, ClientEnd } from './socket/client-end.ts'
export type { ServerEnd, ServerFrame, ServerSocketEvents } from './socket/server-end.ts'
export { createNetwork } from './network/network.ts'
export type {
  Accept,
  Host,
  Listener,
  Network,
  NetworkHandshake,
  NetworkOptions,
  Weather,
} from './network/network.ts'
export { LINK_FAULTS } from './network/link.ts'
export type { Link, LinkFault, LinkWatcher } from './network/link.ts'
export { createUnreliableSink } from './network/unreliable-sink.ts'
export type { UnreliableSinkOptions } from './network/unreliable-sink.ts'

// What must stay true
export { createInvariantChecker } from './invariants/invariant-checker.ts'
export type { InvariantChecker, InvariantCheckerOptions } from './invariants/invariant-checker.ts'
export type { ShownCollection } from './invariants/collection-checker.ts'
export type { CommittedLog } from './invariants/committed-log.ts'
export type { MutationOutcome } from './invariants/mutation-checker.ts'
export type { ShownPeople } from './invariants/presence-checker.ts'
export type { Exchange } from './invariants/response-checker.ts'
export type { Rights, RightsPort } from './invariants/rights.ts'
export { InvariantViolation } from './invariants/violation.ts'
export type { Property, ViolationDetails } from './invariants/violation.ts'

// Contracts of the ports, for adapters of your own
export { codecContract } from './contracts/codec-contract.ts'
export { historyContract } from './contracts/history-contract.ts'
export type { HistoryFixture, ReadableHistory, ReadPage } from './contracts/history-contract.ts'
export { sinkContract } from './contracts/sink-contract.ts'
export type { SinkFixture } from './contracts/sink-contract.ts'
export { socketContract } from './contracts/socket-contract.ts'
export type { SocketFixture } from './contracts/socket-contract.ts'
export { ContractViolation } from './contracts/contract.ts'
export type { ContractCase } from './contracts/contract.ts'

// Randomness
export { createSeededRandom } from './random/seeded-random.ts'
