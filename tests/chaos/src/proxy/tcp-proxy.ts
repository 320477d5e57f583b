// A TCP proxy that can be told what to do to the connections through it. It knows nothing of what they carry.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { type Fault, inflict, type Ongoing } from './fault.ts'
import { createLink, type Link } from './link.ts'
import type { PipeOptions } from './pipe.ts'

export interface TcpProxyOptions {
  /** What every connection of it is like, client to server. */
  readonly up?: PipeOptions
  /** The same, server to client; asked for once a connection, so that a rewrite may remember. */
  readonly down?: () => PipeOptions
}

export interface TcpProxy {
  readonly port: number
  /** The server's port; `null`: there is none, and newcomers are reset. */
  upstream: number | null
  /** Connections that are open, oldest first. */
  readonly links: readonly Link[]
  /** All connections there were. */
  readonly connectionCount: number
  /** Does it to the link, and ends it when its time has come. */
  inflict(link: Link, fault: Fault): void
  /** Newcomers are reset for a while. */
  refuse(forMs: number): void
  /** Ends everything that is under way: what was held goes on, what was cut off from its other end is reset. */
  heal(): void
  [Symbol.asyncDispose](): Promise<void>
}

/** Listens on a free port of 127.0.0.1. */
export async function startTcpProxy(options: TcpProxyOptions = {}): Promise<TcpProxy> {
  const links = new Set<Link>()
  const ongoing = new Set<() => void>()
  let connectionCount = 0
  let isRefusing = false

  const during = ({ forMs, end }: Ongoing): void => {
    const finish = (): void => {
      clearTimeout(timer)
      if (ongoing.delete(finish)) end()
    }
    const timer = setTimeout(finish, forMs)
    ongoing.add(finish)
  }

  const accept = (client: Socket): void => {
    client.on('error', () => {})
    if (proxy.upstream === null || isRefusing) return void client.resetAndDestroy()
    const server = connect({ port: proxy.upstream, host: '127.0.0.1', allowHalfOpen: true })
    const refuse = (): void => void client.resetAndDestroy()
    const giveUp = (): void => void server.destroy()
    client.once('close', giveUp)
    server.once('error', refuse)
    server.once('connect', () => {
      server.off('error', refuse)
      client.off('close', giveUp)
      join(client, server)
    })
  }

  const join = (client: Socket, server: Socket): void => {
    connectionCount++
    const link = createLink(client, server, {
      ...(options.up && { up: options.up }),
      ...(options.down && { down: options.down() }),
      onClosed: () => links.delete(link),
    })
    links.add(link)
  }

  const listener = createServer({ allowHalfOpen: true, pauseOnConnect: true }, accept)
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const proxy: TcpProxy = {
    port: (listener.address() as AddressInfo).port,
    upstream: null,
    get links() {
      return [...links]
    },
    get connectionCount() {
      return connectionCount
    },
    inflict(link, fault) {
      const lasting = inflict(link, fault)
      if (lasting === null) return
      link.isBusy = true
      const end = (): void => {
        link.isBusy = false
        lasting.end()
      }
      during({ ...lasting, end })
    },
    refuse(forMs) {
      isRefusing = true
      during({ forMs, end: () => (isRefusing = false) })
    },
    heal: () => ongoing.forEach((finish) => finish()),
    async [Symbol.asyncDispose]() {
      const closed = once(listener, 'close')
      listener.close()
      proxy.heal()
      for (const link of links) link.reset()
      await closed
    },
  }
  return proxy
}
