import { RECORDS_PER_CLIENT, recordsOf } from './record-spread.ts'

/** How a load client gets from a socket to counting: what it asks for, what it says, and what it counts. */
export interface Dialect {
  path(client: number): string
  /** What to send when a frame of the handshake begins like this. */
  answers(head: string, client: number): readonly string[]
  /** The beginning of the frame after which the client is subscribed, and how many of them; null: as soon as it is connected. */
  readonly ready: { readonly head: string; readonly times: number } | null
  /** The beginning of a delivered change. */
  readonly delivered: string
}

const subscribe = (channel: string): string => JSON.stringify({ type: 'subscribe', channel })

const dnr = {
  path: (client: number) => `/ws?token=user${client}`,
  delivered: '{"type":"entity:',
}
const isConnected = (head: string): boolean => head.startsWith('{"type":"connec')
const subscribed = '{"type":"subscri'
const elevenChannels = ['entity:Item', ...recordsOf(0).map((id) => `entity:Item:${id}`)]

type DialectName = 'ws' | 'socket.io' | 'dnr' | 'dnr-records' | 'dnr-eleven' | 'dnr-idle'

// Everybody says which client it is, for the servers that look up what it listens to.
export const dialects: Readonly<Record<DialectName, Dialect>> = {
  ws: {
    path: (client) => `/?client=${client}`,
    answers: () => [],
    ready: null,
    delivered: '{"type":"entity:',
  },
  'socket.io': {
    path: (client) => `/socket.io/?EIO=4&transport=websocket&client=${client}`,
    answers: (head) => (head.startsWith('0{') ? ['40'] : head.startsWith('2') ? ['3'] : []),
    ready: { head: '40{', times: 1 },
    delivered: '42["entity:',
  },
  dnr: {
    ...dnr,
    answers: (head) => (isConnected(head) ? [subscribe('entity:Item')] : []),
    ready: { head: subscribed, times: 1 },
  },
  'dnr-records': {
    ...dnr,
    answers: (head, client) =>
      isConnected(head) ? recordsOf(client).map((id) => subscribe(`entity:Item:${id}`)) : [],
    ready: { head: subscribed, times: RECORDS_PER_CLIENT },
  },
  /** All rows, and ten of them once more by their ids: the same for everybody. */
  'dnr-eleven': {
    ...dnr,
    answers: (head) => (isConnected(head) ? elevenChannels.map(subscribe) : []),
    ready: { head: subscribed, times: 11 },
  },
  /** Connects, and subscribes when it is told to. */
  'dnr-idle': {
    ...dnr,
    answers: () => [],
    ready: { head: '{"type":"connec', times: 1 },
  },
}
