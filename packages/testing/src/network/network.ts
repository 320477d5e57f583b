// A network in memory: hosts that connect to the servers that listen, over links with latency and faults drawn from a seed.
// Holds the links; knows nothing of what is said over them.
import { type Clock, SUBPROTOCOL } from '@dnr/protocol'
import type { ClientEnd } from '../socket/client-end.ts'
import type { ServerEnd, ServerSocketEvents } from '../socket/server-end.ts'
import { createLink, type Link, LINK_FAULTS, type LinkFault, type LinkWatcher } from './link.ts'

/** What a network is made of. */
export interface NetworkOptions {
  readonly clock: Clock
  /** Numbers from 0 up to, not including, 1: `createSeededRandom(seed)`. Latencies and faults are drawn from it. */
  readonly random: () => number
  /** Least and most milliseconds that a frame is under way; drawn for each link, with a jitter for each frame. @default [1, 30] */
  readonly latencyMs?: readonly [number, number]
  /** Bytes that a link takes before they count as buffered at the sender. @default 65_536 */
  readonly windowBytes?: number
}

/** What the server is told of a new connection; fits the handshake of `@dnr/server`. */
export interface NetworkHandshake {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly cookies: ReadonlyMap<string, string>
  readonly token: string | null
  readonly remoteAddress: string
}

/** Takes a connection and says who listens; `webSockets.connect` of a server of `@dnr/server` fits. */
export type Accept = (socket: ServerEnd, handshake: NetworkHandshake) => ServerSocketEvents

/** A server that takes connections. */
export interface Listener {
  /** Refuses newcomers; what is connected stays. */
  close(): void
  /** As SIGKILL does it: refuses newcomers, the server's ends vanish, clients see 1006 unless their link lost it. */
  kill(): void
}

/** A machine from which clients connect. */
export interface Host {
  readonly name: string
  /** Fits `createSocket` of `@dnr/client`. */
  readonly createSocket: (url: string, protocols?: readonly string[]) => ClientEnd
  /** The latest connection, `null` before the first. */
  readonly link: Link | null
  /** All connections that are not over at both ends. */
  readonly links: readonly Link[]
  /** While true, every new connection is refused. */
  isRefused: boolean
}

/** Chances, from 0 to 1, that a fault befalls a link at a frame; and that a connection is refused. */
export type Weather = Readonly<Partial<Record<LinkFault | 'refuse', number>>>

/** Hosts, servers, and links between them. */
export interface Network {
  /**
   * Begins to listen; whoever listened before refuses newcomers from now on. `beside`: they go on, as behind a load balancer, and
   * each newcomer goes to one of all, drawn at random. @default { beside: false }
   */
  listen(accept: Accept, options?: { readonly beside?: boolean }): Listener
  /** The host of that name, made when it is new. */
  host(name: string): Host
  /** From now on faults happen by chance. `{}`: none do. */
  setWeather(weather: Weather): void
  /** Good weather, nobody refused, stalled links go on. What was lost stays lost. */
  heal(): void
  watch(watcher: LinkWatcher): void
}

/** The longest stall that the weather brings. */
const LONGEST_STALL_MS = 5_000

/**
 * Makes a network. Frames of one connection keep their order, whatever their latency; between connections there is none.
 *
 * @example
 * const clock = createManualClock()
 * const network = createNetwork({ clock, random: createSeededRandom(1) })
 * network.listen(realtime.webSockets.connect)
 * const client = createRealtimeClient({ url: 'ws://server/ws', clock, createSocket: network.host('ann').createSocket })
 * network.setWeather({ cut: 0.01, stall: 0.01 })
 */
export function createNetwork(options: NetworkOptions): Network {
  const { clock, random, latencyMs: [least, most] = [1, 30], windowBytes = 65_536 } = options
  const hosts = new Map<string, Host>()
  const watchers = new Set<LinkWatcher>()
  let weather: Weather = {}
  const listening: { readonly accept: Accept; readonly links: Set<Link> }[] = []

  const happens = (chance = 0): boolean => chance > 0 && random() < chance
  const onFrame = (link: Link): void => {
    for (const fault of LINK_FAULTS) {
      if (happens(weather[fault])) link.suffer(fault, random() * LONGEST_STALL_MS)
    }
  }

  const connect = (host: Host, links: Link[], url: string, protocols: readonly string[]): ClientEnd => {
    const base = least + random() * (most - least) * 0.5
    const latencyMs = (): number => base + random() * (most - least) * 0.5
    const number = ++connections
    const made = createLink({ clock, latencyMs, windowBytes, host: host.name, number, watchers, onFrame })
    links.push(made.link)
    clock.setTimeout(() => {
      const listener =
        listening.length > 1 ? listening[Math.floor(random() * listening.length)] : listening[0]
      if (listener === undefined || host.isRefused || happens(weather.refuse)) return made.refuse()
      const { accept, links: accepted } = listener
      accepted.add(made.link)
      made.open((socket) => accept(socket, handshakeOf(url, protocols, host.name)))
    }, latencyMs())
    return made.link.client
  }
  let connections = 0

  const createHost = (name: string): Host => {
    const links: Link[] = []
    const host: Host = {
      name,
      isRefused: false,
      createSocket: (url, protocols = [SUBPROTOCOL]) => connect(host, links, url, protocols),
      get link() {
        return links.at(-1) ?? null
      },
      get links() {
        return links.filter((link) => link.isAlive)
      },
    }
    return host
  }

  return {
    listen(accept, { beside = false } = {}) {
      const own = { accept, links: new Set<Link>() }
      if (!beside) listening.length = 0
      listening.push(own)
      const close = (): void => {
        const index = listening.indexOf(own)
        if (index >= 0) listening.splice(index, 1)
      }
      return {
        close,
        kill() {
          close()
          for (const link of own.links) link.killServer()
          own.links.clear()
        },
      }
    },
    host(name) {
      const known = hosts.get(name)
      if (known !== undefined) return known
      const host = createHost(name)
      hosts.set(name, host)
      return host
    },
    setWeather(next) {
      weather = next
    },
    heal() {
      weather = {}
      for (const host of hosts.values()) {
        host.isRefused = false
        for (const link of host.links) link.resume()
      }
    },
    watch: (watcher) => void watchers.add(watcher),
  }
}

const BEARER = 'bearer.'

function handshakeOf(url: string, protocols: readonly string[], host: string): NetworkHandshake {
  const path = url.replace(/^wss?:\/\/[^/]*/, '')
  const bearer = protocols.find((protocol) => protocol.startsWith(BEARER))?.slice(BEARER.length)
  const inQuery = /[?&]token=([^&]*)/.exec(path)?.[1]
  return {
    url: path,
    headers: { 'sec-websocket-protocol': protocols.join(', ') },
    cookies: new Map(),
    token: bearer ?? (inQuery === undefined ? null : decodeURIComponent(inQuery)),
    remoteAddress: host,
  }
}
