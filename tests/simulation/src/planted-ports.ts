// Ports of the server with one thing changed: what planted bugs are made of.
import type { Change, ChangeSink } from '@dnr/protocol'
import type { ChangeHistory, EntityStore, RealtimeServer, ServerSocket, SocketEvents } from '@dnr/server'

type Page = Extract<Awaited<ReturnType<ChangeHistory['read']>>, { holds: true }>

/** Changes the pages of the history that hold and are not empty. */
export function onPages(change: (page: Page) => Page): (history: ChangeHistory) => ChangeHistory {
  return (history) => ({
    head: history.head,
    async read(request) {
      const page = await history.read(request)
      return page.holds && page.changes.length > 0 ? change(page) : page
    },
  })
}

export function withStore(store: EntityStore): EntityStore {
  return {
    entity: store.entity,
    get: store.get,
    find: store.find,
    mutate: store.mutate,
    snapshotChunks: store.snapshotChunks,
  }
}

export function onMutate(store: EntityStore, mutate: EntityStore['mutate']): EntityStore {
  return { ...withStore(store), mutate }
}

/** Changes what comes from the relay. */
export function onPublish(
  change: (transaction: readonly Change[]) => readonly Change[],
): (sink: ChangeSink) => ChangeSink {
  return (sink) => ({
    publish: (transaction) => sink.publish(change(transaction)),
    skipTo: (gap) => sink.skipTo?.(gap),
  })
}

export function onSend(change: (text: string) => string): (socket: ServerSocket) => ServerSocket {
  return onSends(() => (text) => [change(text)])
}

/** The same where a socket remembers what it was given, and sends more or fewer. */
export function onSends(
  begin: () => (text: string) => readonly string[],
): (socket: ServerSocket) => ServerSocket {
  return (socket) => withSends(socket, begin())
}

function withSends(socket: ServerSocket, change: (text: string) => readonly string[]): ServerSocket {
  return {
    close: socket.close,
    terminate: socket.terminate,
    ping: socket.ping,
    get bufferedBytes() {
      return socket.bufferedBytes
    },
    send({ text }) {
      for (const changed of change(text))
        socket.send({ text: changed, byteLength: Buffer.byteLength(changed) })
    },
  }
}

/** Changes what the server hears of each connection. */
export function onConnect(
  change: (events: SocketEvents) => SocketEvents,
): (server: RealtimeServer) => RealtimeServer {
  return (server) => ({
    ...server,
    webSockets: {
      ...server.webSockets,
      connect: (...socket) => change(server.webSockets.connect(...socket)),
    },
  })
}
