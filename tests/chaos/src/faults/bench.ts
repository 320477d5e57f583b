// One board behind two proxies, for one fault at a time: `steady`, to which nothing happens, and `shaky`.
import { Agent } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { temporaryFolder } from '@dnr/flow-tests/temporary-folder'
import { checkEvidence } from '../checks/check-evidence.ts'
import type { WriteRecord } from '../checks/evidence.ts'
import { ask, type Asked, type Reply } from '../processes/ask.ts'
import {
  type LiveClient,
  type LiveClientOptions,
  openLiveClient,
  type Shown,
} from '../processes/live-client.ts'
import { type RawSubscriber, startRawSubscriber } from '../processes/raw-subscriber.ts'
import { startTcpProxy, type TcpProxy, type TcpProxyOptions } from '../proxy/tcp-proxy.ts'
import { hasEverything } from '../checks/check-stream.ts'
import { readDatabase } from '../storm/read-database.ts'
import { type Server, startServer } from '../storm/server.ts'
import { signIn } from '../storm/sign-in.ts'

export interface Bench extends AsyncDisposable {
  readonly server: Server
  /** Of the board's file. */
  readonly path: string
  readonly steady: TcpProxy
  readonly shaky: TcpProxy
  /** Of alice of the red team. */
  readonly token: string
  /** @param team red unless another one is named */
  tokenOf(name: string, team?: string): Promise<string>
  /** One request, alice's unless it has another token, through `steady` unless another proxy is named. */
  ask(asked: Asked, proxy?: TcpProxy): Promise<Reply | null>
  /** Alice writes so many changes, one after the other, through `steady`. */
  write(count: number): Promise<void>
  /** Alice's page: her rows and a listener, through `shaky` unless another proxy is named. Resolves when it is live. */
  watch(options?: Partial<LiveClientOptions> & { readonly proxy?: TcpProxy }): Promise<Watcher>
  /** The same as somebody who knows the wire alone. */
  subscribe(): Promise<RawSubscriber>
  /** Waits until everybody who watches has everything, and says what is wrong with what they got, and with `writes`. */
  violations(writes?: readonly WriteRecord[]): Promise<string[]>
  /** A figure of the board's own. */
  metric(name: string): Promise<number>
}

export interface Watcher extends LiveClient {
  readonly shown: Shown
}

const VIEW = { name: 'alice', team: 'red' }
const PATIENCE_MS = 15_000

export async function openBench(
  options: { readonly env?: Readonly<Record<string, string>>; readonly network?: TcpProxyOptions } = {},
): Promise<Bench> {
  const stack = new AsyncDisposableStack()
  const folder = stack.use(await temporaryFolder())
  const path = folder.file('board.db')
  const steady = stack.use(await startTcpProxy())
  const shaky = stack.use(await startTcpProxy(options.network))
  const server = stack.use(
    await startServer({ path, proxies: [steady, shaky], ...(options.env && { env: options.env }) }),
  )
  const agent = new Agent({ keepAlive: true })
  stack.defer(() => agent.destroy())
  const token = await signIn(steady.port, 'alice', 'red')
  const watchers: Watcher[] = []
  const heard: ReturnType<LiveClient['hear']>[] = []
  const raw: RawSubscriber[] = []
  let written = 0

  const urlOf = (proxy: TcpProxy): string => `ws://127.0.0.1:${proxy.port}/ws`
  const send: Bench['ask'] = (asked, proxy = steady) => ask(agent, proxy.port, { token, ...asked })
  const isEverythingThere = (): boolean => {
    const { log } = readDatabase(path)
    const head = log.at(-1)?.offset ?? 0
    const isHeard = heard.every(({ stream }) => hasEverything(stream, log))
    return isHeard && raw.every(({ position }) => (position?.offset ?? 0) >= head)
  }

  return {
    server,
    path,
    steady,
    shaky,
    token,
    tokenOf: (name, team = 'red') => signIn(steady.port, name, team),
    ask: send,
    async write(count) {
      for (let index = 0; index < count; index++) {
        written++
        const isNew = written <= 5
        const id = `row-${written % 5}`
        const body = isNew ? { id, title: id } : { rank: written }
        const to = isNew
          ? ({ method: 'POST', path: '/api/Task' } as const)
          : ({ method: 'PATCH', path: `/api/Task/${id}` } as const)
        const reply = await send({ ...to, body })
        if (reply === null || reply.status >= 300)
          throw new Error(`A write was answered ${JSON.stringify(reply)}.`)
      }
    },
    async watch({ proxy = shaky, ...rest } = {}) {
      const client = openLiveClient({ url: urlOf(proxy), token, random: Math.random, ...rest })
      stack.defer(() => client[Symbol.dispose]())
      const watcher = Object.assign(client, { shown: client.show(VIEW) })
      const listener = client.hear(VIEW)
      watchers.push(watcher)
      heard.push(listener)
      await waitUntil(() => watcher.shown.isLive() && listener.isLive(), 'a watcher to be live')
      return watcher
    },
    async subscribe() {
      const subscriber = startRawSubscriber({ url: urlOf(shaky), token, view: VIEW, random: Math.random })
      stack.defer(() => subscriber.close())
      raw.push(subscriber)
      await waitUntil(() => subscriber.isLive, 'a subscriber to be live')
      return subscriber
    },
    async violations(writes = []) {
      await waitUntil(isEverythingThere, 'everybody to have everything').catch(() => {})
      await sleep(50) // whatever comes too often comes now
      return checkEvidence({
        ...readDatabase(path),
        writes,
        streams: [...heard, ...raw].map(({ stream }) => stream),
        collections: watchers.map(({ shown }) => shown.evidence()),
      })
    },
    async metric(name) {
      const text = await (await fetch(`http://127.0.0.1:${steady.port}/metrics`)).text()
      return Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1])
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** Polls; says what it waited for when that takes too long. */
export async function waitUntil(
  isIt: () => boolean | Promise<boolean>,
  what: string,
  patienceMs = PATIENCE_MS,
): Promise<number> {
  const startedAt = performance.now()
  while (!(await isIt())) {
    if (performance.now() - startedAt > patienceMs) throw new Error(`waited ${patienceMs} ms for ${what}`)
    await sleep(10)
  }
  return performance.now() - startedAt
}
