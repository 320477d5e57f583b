// Entities and rows
export { defineEntity, isEntityName } from './entity.ts'
export type {
  AnyEntity,
  CreateInput,
  Entity,
  EntityMap,
  FieldSchema,
  RowBase,
  RowOf,
  RowSchema,
  SchemaIssue,
  SchemaResult,
  UpdateInput,
  Versioned,
} from './entity.ts'
export { fieldKind, fieldKinds } from './field-kind.ts'
export type { FieldKind } from './field-kind.ts'
export { createRowCodec, fromWireValue } from './row-codec.ts'
export type { JsonForm, RowCodec, WireRowOf } from './row-codec.ts'

// Changes and positions
export type { Change, ChangeSink, LogGap, Operation, WireRow } from './change.ts'
export {
  comparePositions,
  floorPosition,
  formatPosition,
  hasReached,
  holdsPosition,
  isEpochNamed,
  isSamePosition,
  liesBetween,
  nameEpoch,
  parsePosition,
  readPosition,
} from './position.ts'
export type { EpochRange, Position } from './position.ts'

// Channels
export {
  formatChannel,
  isRowId,
  MAX_CHANNEL_BYTES,
  MAX_ID_BYTES,
  parseChannel,
  utf8Bytes,
} from './channel-name.ts'
export type {
  Channel,
  ChannelName,
  EntityChannel,
  PresenceChannel,
  RecordChannel,
  RoomChannel,
  UserChannel,
} from './channel-name.ts'

// Queries
export { checkWhere, compareRows, compareScalars, matchesWhere } from './query/where.ts'
export type { AnyOrderBy, AnyWhere, Comparison, OrderBy, Scalar, Where } from './query/where.ts'

// Messages (types alone; the schemas are at @dnr/protocol/schemas)
export { jsonCodec, MAX_NESTING } from './codec/codec.ts'
export type { Codec } from './codec/codec.ts'
export { readServerMessage } from './codec/read-server-message.ts'
export type { ClientMessage, ClientMessageType } from './messages/client-message.ts'
export type { EntityEvent, ServerMessage, ServerMessageType } from './messages/server-message.ts'
export type { Activity, Member } from './messages/member.ts'
export { PROTOCOL_VERSION, SUBPROTOCOL } from './version.ts'

// Errors and closes
export { CLOSE_CODES, reconnectAdvice } from './close-code.ts'
export type { CloseCode, ReconnectAdvice } from './close-code.ts'
export { DnrError, toDnrError } from './dnr-error.ts'
export type { DnrErrorOptions } from './dnr-error.ts'
export { ERROR_CODES, isErrorCode } from './error-code.ts'
export type { ErrorCode } from './error-code.ts'
export { err, ok } from './parsed.ts'
export type { Parsed } from './parsed.ts'
export { VersionConflict } from './version-conflict.ts'

// What several packages take
export type { Clock } from './clock.ts'
export { DEFAULT_LIMITS } from './limits.ts'
export { silentLogger } from './logger.ts'
export type { Logger } from './logger.ts'
export type { Principal } from './principal.ts'
