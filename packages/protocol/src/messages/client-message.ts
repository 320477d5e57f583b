import { z } from 'zod'
import { authSchema } from './auth.ts'
import { sendMessageSchema } from './message.ts'
import { mutateSchema } from './mutate.ts'
import { pingSchema } from './ping.ts'
import { presenceHeartbeatSchema } from './presence-heartbeat.ts'
import { joinPresenceSchema } from './presence-join.ts'
import { leavePresenceSchema } from './presence-leave.ts'
import { updatePresenceSchema } from './presence-update.ts'
import { subscribeSchema } from './subscribe.ts'
import { unsubscribeSchema } from './unsubscribe.ts'

/** Everything that a client may send. A server's type sent by a client is `unknown_type`. */
export const clientMessageSchema = z.discriminatedUnion('type', [
  subscribeSchema,
  unsubscribeSchema,
  joinPresenceSchema,
  leavePresenceSchema,
  updatePresenceSchema,
  presenceHeartbeatSchema,
  pingSchema,
  authSchema,
  mutateSchema,
  sendMessageSchema,
])
export type ClientMessage = z.infer<typeof clientMessageSchema>
export type ClientMessageType = ClientMessage['type']
