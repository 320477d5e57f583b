/** Defaults of the limits that both ends know, by the names of the server's options. */
export const DEFAULT_LIMITS = {
  maxSubscriptionsPerConnection: 50,
  maxConnectionsPerUser: 100,
  maxConnectionsPerAddress: 2_000,
  maxFrameBytes: 65_536,
  maxQueueBytes: 1_048_576,
  maxMessagesPerSecond: 50,
  maxMessageBurst: 200,
  maxChannelChangesPerSecond: 10_000,
  maxRoomMessagesPerSecond: 1_000,
  handshakeTimeoutMs: 10_000,
} as const
