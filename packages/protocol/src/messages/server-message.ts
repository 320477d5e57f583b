import { z } from 'zod'
import { askAuthSchema } from './auth.ts'
import { authenticatedSchema } from './authenticated.ts'
import { connectedSchema } from './connected.ts'
import { entityCreatedSchema } from './entity-created.ts'
import { entityDeletedSchema } from './entity-deleted.ts'
import { entityUpdatedSchema } from './entity-updated.ts'
import { errorSchema } from './error.ts'
import { messageSchema } from './message.ts'
import { mutatedSchema } from './mutated.ts'
import { pongSchema } from './pong.ts'
import { presenceJoinSchema } from './presence-join.ts'
import { presenceLeaveSchema } from './presence-leave.ts'
import { presenceSyncSchema } from './presence-sync.ts'
import { presenceUpdateSchema } from './presence-update.ts'
import { reconnectSchema } from './reconnect.ts'
import { snapshotSchema } from './snapshot.ts'
import { subscribedSchema } from './subscribed.ts'
import { unsubscribedSchema } from './unsubscribed.ts'

/** Everything that the server sends. */
export const serverMessageSchema = z.discriminatedUnion('type', [
  connectedSchema,
  authenticatedSchema,
  askAuthSchema,
  subscribedSchema,
  snapshotSchema,
  unsubscribedSchema,
  entityCreatedSchema,
  entityUpdatedSchema,
  entityDeletedSchema,
  presenceJoinSchema,
  presenceLeaveSchema,
  presenceUpdateSchema,
  presenceSyncSchema,
  mutatedSchema,
  messageSchema,
  pongSchema,
  reconnectSchema,
  errorSchema,
])
export type ServerMessage = z.infer<typeof serverMessageSchema>
export type ServerMessageType = ServerMessage['type']
/** The three that change rows. */
export type EntityEvent = Extract<ServerMessage, { type: `entity:${string}` }>
