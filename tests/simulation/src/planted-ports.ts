// Ports of the server with one thing changed: what planted bugs are made of.
import type { Change, ChangeSink } from '@dnr/protocol'
import type { ChangeHistory, EntityStore, ServerSocket } from '@dnr/server'

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
  return (socket) => ({
    close: socket.close,
    terminate: socket.terminate,
    ping: socket.ping,
    get bufferedBytes() {
      return socket.bufferedBytes
    },
    send({ text }) {
      const changed = change(text)
      socket.send({ text: changed, byteLength: Buffer.byteLength(changed) })
    },
  })
}
