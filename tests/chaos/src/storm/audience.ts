// Everybody who watches: collections and listeners of the real client, and subscribers that know the wire alone.
import { isCurrent } from '../checks/check-collections.ts'
import type { LoggedChange, Row, ShownRows, Stream, View } from '../checks/evidence.ts'
import { hasEverything } from '../checks/check-stream.ts'
import { type LiveClient, openLiveClient, type Shown } from '../processes/live-client.ts'
import { type RawSubscriber, startRawSubscriber } from '../processes/raw-subscriber.ts'
import { bundleRowId } from '../processes/bundle.ts'
import { signIn } from './sign-in.ts'

export interface Audience {
  /** Some more come, in the middle of it all. */
  join(): void
  /** Who is not live at this moment. */
  notLive(): string[]
  /** Who has not everything that there is. */
  notCurrent(log: readonly LoggedChange[], rows: readonly Row[]): string[]
  streams(): Stream[]
  collections(): ShownRows[]
  counts(): { readonly eventsHeard: number; readonly resumes: number }
  [Symbol.dispose](): void
}

type Team = 'red' | 'blue' | 'admin'

/** Resolves when everybody is live, so that every one of them has to be told of every change. */
export async function openAudience(
  ports: { readonly http: number; readonly sockets: number },
  sharedIds: readonly string[],
  fork: () => () => number,
): Promise<Audience> {
  const url = `ws://127.0.0.1:${ports.sockets}/ws`
  const tokens = {
    red: await signIn(ports.http, 'watcher-red', 'red'),
    blue: await signIn(ports.http, 'watcher-blue', 'blue'),
    admin: await signIn(ports.http, 'watcher-admin', 'admin'),
  }
  const clients: LiveClient[] = []
  const shown: Shown[] = []
  const heard: { readonly stream: Stream; readonly isLive: () => boolean }[] = []
  const raw: RawSubscriber[] = []

  const viewOf = (kind: string, team: Team, rest: Omit<View, 'name' | 'team'> = {}): View => {
    const name = [kind, team, ...Object.values(rest).map((part) => JSON.stringify(part))].join(' ')
    return { name, team, ...rest }
  }
  const open = (team: Team): LiveClient => {
    const client = openLiveClient({ url, token: tokens[team], random: fork() })
    clients.push(client)
    return client
  }
  const watch = (team: Team, rest?: Omit<View, 'name' | 'team'>): void => {
    const view = viewOf(`raw subscriber ${raw.length}`, team, rest)
    raw.push(startRawSubscriber({ url, token: tokens[team], view, random: fork() }))
  }
  const [first = '', second = '', third = ''] = sharedIds

  const admin = open('admin')
  shown.push(admin.show(viewOf('collection', 'admin')))
  heard.push(admin.hear(viewOf('listener', 'admin')))
  heard.push(admin.hear(viewOf('listener', 'admin', { id: first })))
  const red = open('red')
  shown.push(red.show(viewOf('collection', 'red'), { orderBy: [['rank', 'asc']], limit: 10 }))
  shown.push(red.show(viewOf('collection', 'red', { where: { status: 'doing' } })))
  heard.push(red.hear(viewOf('listener', 'red')))
  const other = open('red')
  const inColumns = { orderBy: [['status', 'desc'], ['rank', 'desc']] } as const // oxfmt-ignore
  shown.push(other.show(viewOf('collection of another', 'red'), inColumns))
  heard.push(other.hear(viewOf('listener', 'red', { id: bundleRowId(0, 0) })))
  const blue = open('blue')
  shown.push(blue.show(viewOf('collection', 'blue', { where: { status: 'done' } })))
  heard.push(blue.hear(viewOf('listener', 'blue', { id: second })))
  watch('admin')
  watch('red')
  watch('blue', { where: { status: 'todo' } })
  watch('admin', { id: third })

  const audience: Audience = {
    join() {
      watch('admin')
      watch('red', { where: { status: 'todo' } })
      shown.push(open('admin').show(viewOf('collection of a latecomer', 'admin', { where: { team: 'red' } })))
    },
    notLive: () => [
      ...shown.filter(({ isLive }) => !isLive()).map((each) => each.evidence().view.name),
      ...heard.filter(({ isLive }) => !isLive()).map(({ stream }) => stream.view.name),
      ...raw.filter(({ isLive }) => !isLive).map(({ stream }) => stream.view.name),
    ],
    notCurrent(log, rows) {
      const head = log.at(-1)?.offset ?? 0
      return [
        ...shown.map((each) => each.evidence()).filter((each) => !isCurrent(each, rows)),
        ...heard.map(({ stream }) => stream).filter((stream) => !hasEverything(stream, log)),
        ...raw.filter(({ position }) => (position?.offset ?? 0) < head).map(({ stream }) => stream),
      ].map(({ view }) => view.name)
    },
    streams: () => [...heard, ...raw].map(({ stream }) => stream),
    collections: () => shown.map((each) => each.evidence()),
    counts() {
      const entries = audience.streams().flatMap(({ journal }) => journal)
      return {
        eventsHeard: entries.filter(({ kind }) => kind === 'event').length,
        resumes: entries.filter((entry) => entry.kind === 'subscribed' && entry.recovered).length,
      }
    },
    [Symbol.dispose]() {
      for (const client of clients) client[Symbol.dispose]()
      for (const each of raw) each.close()
    },
  }
  return audience
}
