export { toNodeListener } from './http/node-listener.ts'
export type { FetchHandler, NodeListener } from './http/node-listener.ts'
