// The WebSocket transport, on `ws`. Takes upgrades of one path from an HTTP server and hands accepted sockets to the
// server's WebSocketManager; leaves every other path to others. Next: connection/.
export { attachWebSockets } from './transport/attach-web-sockets.ts'
export type {
  AttachedWebSockets,
  AttachOptions,
  AttachTarget,
  UpgradeSource,
} from './transport/attach-web-sockets.ts'
export type { AllowedOrigins } from './transport/origin.ts'
