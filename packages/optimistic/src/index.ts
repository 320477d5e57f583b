// The manager and its collections
export { createOptimisticManager, OPTIMISTIC_DEFAULTS } from './optimistic-manager.ts'
export type { OptimisticManager, OptimisticManagerOptions } from './optimistic-manager.ts'
export type {
  NewRow,
  OptimisticCollection,
  OptimisticCollectionOptions,
  Patch,
  PendingMark,
  UpdateOptions,
  WriteOptions,
} from './collection/optimistic-collection.ts'

// Mutations
export type { FailedMutation } from './mutation/failed-mutations.ts'
export type { MutationStatus, Operation, OptimisticMutation } from './mutation/mutation.ts'

// Transports and ports
export { httpMutations } from './http/http-mutations.ts'
export type { HttpMutationsOptions } from './http/http-mutations.ts'
export type { ConfirmedBatch, ConfirmedRows, VersionedRow } from './ports/confirmed-rows.ts'
export type { MutationAnswer, MutationRequest, MutationTransport } from './ports/mutation-transport.ts'
