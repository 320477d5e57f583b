/** How a load client gets from a socket to counting: what it asks for, what it says, and what it counts. */
export interface Dialect {
  path(client: number): string
  /** What to send when a frame of the handshake begins like this; null when it asks for nothing. */
  answer(head: string): string | null
  /** The beginning of the frame after which the client is subscribed; null: as soon as it is connected. */
  readonly ready: string | null
  /** The beginning of a delivered change. */
  readonly delivered: string
}

const subscribe = JSON.stringify({ type: 'subscribe', channel: 'entity:Item' })

export const dialects: Readonly<Record<'ws' | 'socket.io' | 'dnr' | 'dnr-idle', Dialect>> = {
  ws: { path: () => '/', answer: () => null, ready: null, delivered: '{"type":"entity:' },
  'socket.io': {
    path: () => '/socket.io/?EIO=4&transport=websocket',
    answer: (head) => (head.startsWith('0{') ? '40' : head.startsWith('2') ? '3' : null),
    ready: '40{',
    delivered: '42["entity:',
  },
  dnr: {
    path: (client) => `/ws?token=user${client}`,
    answer: (head) => (head.startsWith('{"type":"connec') ? subscribe : null),
    ready: '{"type":"subscri',
    delivered: '{"type":"entity:',
  },
  /** Connects, and subscribes when it is told to. */
  'dnr-idle': {
    path: (client) => `/ws?token=user${client}`,
    answer: () => null,
    ready: '{"type":"connec',
    delivered: '{"type":"entity:',
  },
}
