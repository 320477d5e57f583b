// The database
export { openDatabase } from './database/open-database.ts'
export { DATABASE_DEFAULTS } from './database/realtime-database.ts'
export type {
  DatabaseHealth,
  DatabaseLocation,
  DatabaseOptions,
  DatabaseSettings,
  DatabaseTransaction,
  RealtimeDatabase,
} from './database/realtime-database.ts'
export type { SqliteHandle, SqliteStatement } from './database/sqlite-handle.ts'
export type { DynamicTables } from './database/compile.ts'
export type { Synchronous } from './database/open-handles.ts'

// Rows
export { createRealtimeRepository } from './rows/realtime-repository.ts'
export type {
  ChangeOptions,
  EntityOf,
  RealtimeRepository,
  RepositoryOptions,
  RowOperations,
  WriteOptions,
} from './rows/realtime-repository.ts'
export { MAX_BULK_ROWS } from './rows/bulk.ts'
export type { BulkOptions, BulkResult, BulkSelection } from './rows/bulk.ts'
export type {
  Mutation,
  MutationContext,
  MutationResult,
  PrepareContext,
  PrepareHooks,
  WriteImages,
} from './rows/mutation.ts'
export type { FindQuery, Page } from './query/find-rows.ts'
export type { ChunkOptions, SnapshotChunk, SnapshotQuery } from './query/snapshot-chunks.ts'

// The change log and its relay
export type { ChangeLog, ChangeSource, RelaySettings } from './change-log/change-log.ts'
export type { Committed, Follower } from './change-log/commit-feed.ts'
export type { HistoryPage, HistoryRequest } from './change-log/read-history.ts'
export type { TrimOptions, TrimResult } from './change-log/trim-log.ts'
export type { RowDifference, Verification } from './change-log/verify-log.ts'
export { startChangeRelay } from './relay/change-relay.ts'
export type { ChangeRelay } from './relay/change-relay.ts'
