import { recordsOf } from '../../fan-out/record-spread.ts'

/** The map from a record to those who listen to it, kept by hand. */
export interface Listeners<Socket> {
  /** A client that connects with this URL listens to its records. */
  add(url: string | undefined, socket: Socket): void
  of(record: string): Iterable<Socket>
}

export function createListeners<Socket>(): Listeners<Socket> {
  const socketsByRecord = new Map<string, Set<Socket>>()
  return {
    add(url, socket) {
      for (const record of recordsOf(clientOf(url))) {
        const sockets = socketsByRecord.get(record)
        if (sockets === undefined) socketsByRecord.set(record, new Set([socket]))
        else sockets.add(socket)
      }
    },
    of: (record) => socketsByRecord.get(record) ?? [],
  }
}

/** The number that a client names in its URL. */
function clientOf(url: string | undefined): number {
  return Number(new URLSearchParams(url?.split('?')[1]).get('client'))
}
