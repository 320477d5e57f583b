// Run-time schemas. They need zod; the root entry does not.
export { parseClientMessage } from './codec/parse-client-message.ts'
export { clientMessageSchema } from './messages/client-message.ts'
export { serverMessageSchema } from './messages/server-message.ts'
export { memberSchema } from './messages/member.ts'
export { explainWhere, orderBySchema, whereSchema } from './messages/query.ts'
