// One life of the server: the real repository, relay and server on the simulation's disk and network. Dies at any moment.
import { presence } from '@dnr/presence/server'
import {
  type ChangeSink,
  type Clock,
  CLOSE_CODES,
  type Logger,
  type Position,
  type WireRow,
} from '@dnr/protocol'
import {
  createRealtimeRepository,
  openDatabase,
  type RealtimeDatabase,
  type RealtimeRepository,
} from '@dnr/repository'
import {
  allow,
  allowChannel,
  type ChangeHistory,
  createRealtimeServer,
  type EntityStore,
  policies,
  type RealtimeServer,
  type ServerSocket,
  type SocketEvents,
} from '@dnr/server'
import type { Accept, Listener, Network } from '@dnr/testing'
import { nameOf, userChannelOf } from '../channels.ts'
import { Note, Task, type User } from '../entities.ts'
import type { StandingRule, Standings } from '../standings.ts'
import type { RareEdge } from '../coverage.ts'
import type { PlantedBug } from '../planted-bug.ts'
import type { Program } from '../program/operation.ts'
import type { Draw } from '../program/draw.ts'
import { createProcessClock } from './process-clock.ts'
import type { RuleTrouble } from './rule-trouble.ts'
import type { Storage } from './storage.ts'
import type { ManualClock } from '@dnr/testing'

export interface ServerProcess {
  readonly realtime: RealtimeServer
  readonly database: RealtimeDatabase
  readonly repositories: {
    readonly Task: RealtimeRepository<typeof Task>
    readonly Note: RealtimeRepository<typeof Note>
  }
  readonly isAlive: boolean
  /** Gone at once, as by SIGKILL. */
  kill(): void
  /** Ends as on SIGTERM; whoever does not leave in time is closed. */
  stop(): Promise<void>
}

export interface ServerProcessOptions {
  /** Which of the servers it is, from 0 on; each has a new process after a death. */
  readonly place: number
  readonly number: number
  readonly clock: ManualClock
  readonly storage: Storage
  readonly network: Network
  readonly program: Program
  readonly draw: Draw
  readonly bug: PlantedBug | null
  readonly standings: Standings
  readonly rules: RuleTrouble
  /** Puts the simulation's own trouble between relay and hub. */
  wrapSink(sink: ChangeSink): ChangeSink
  onError(message: string, details: unknown): void
  count(edge: RareEdge): void
}

const LONGEST_ANSWER_MS = 150
/** Shorter than a program comes to rest. */
const PRESENCE_TTL_MS = 3_000

/** Opens the database, migrates, listens. Rejects when the process is killed before that. */
export async function startServer(
  options: ServerProcessOptions,
  onBorn: (process: { kill(): void }) => void,
): Promise<ServerProcess> {
  const { place, number, storage, network, program, draw, bug, standings, rules } = options
  const { maxQueueBytes, maxChannelChangesPerSecond } = program
  const clock = createProcessClock(options.clock, program.workMs)
  const handle = storage.open(place)
  let isAlive = true
  let listener: Listener | null = null
  const kill = (): void => {
    if (!isAlive) return
    isAlive = false
    clock.kill()
    handle.kill()
    listener?.kill()
  }
  onBorn({ kill })
  const logger: Logger = {
    error: (message, details) => isAlive && options.onError(message, details),
    info() {},
    debug() {},
  }
  const { random } = draw
  const database = openDatabase({
    handle,
    clock,
    random,
    logger,
    busyTimeoutMs: 1_000,
    transactionTimeoutMs: 1_000,
    maxWholeChanges: program.maxWholeChanges,
    createEpoch: () => `epoch_${number}`,
  })
  let ids = 0
  const repositories = createRepositories(database, () => `made_${number}_${++ids}`)
  await database.migrate([repositories.Task, repositories.Note])
  if (!isAlive) throw new Error('killed while starting')

  const ruleFor = (user: string, entity: string): StandingRule | true | null => {
    const standing = standings.ruleOf(user, entity, program.policy)
    if (standing === true) return true
    const rule = standing && rules.troubled(standing, user, entity)
    return rule && (bug?.rule?.(rule, user, entity) ?? rule)
  }
  /** A rule may be looked up first: then its answer is that of when it was asked. */
  const answer = <Value>(value: Value): Value | Promise<Value> => {
    if (program.policy.answers === 'at once') return value
    return new Promise((resolve) => clock.setTimeout(() => resolve(value), draw.whole(1, LONGEST_ANSWER_MS)))
  }
  const look = <Rule>(rule: Rule): Rule | Promise<Rule> =>
    rules.lookup === 'none' ? answer(rule) : rules.look(rule)
  const hears = (user: string, channel: string): boolean | Promise<boolean> => {
    const isAllowed = standings.hears(user, channel)
    return look(bug?.hears?.(isAllowed, user, channel) ?? isAllowed)
  }
  const people = presence({ ttlMs: PRESENCE_TTL_MS })
  const stores = [repositories.Task, repositories.Note].map((repository): EntityStore => {
    const store = slowReads(smallChunks(repository, program.chunkRows), program.readMs, clock)
    return bug?.store?.(store, () => realtime) ?? store
  })
  const history = smallPages(database.changeLog, program.pageChanges, options.count)
  const created: RealtimeServer = createRealtimeServer<User>({
    repositories: stores,
    history: bug?.history?.(history) ?? history,
    authenticate: ({ token }) => (token === null ? null : { id: token, name: nameOf(token) }),
    policies: policies(
      ...[Task, Note].map((entity) =>
        allow(entity, (user: User | null) => user && look(ruleOf(ruleFor(user.id, entity.name)))),
      ),
      allowChannel('presence', (user, resource) => hears(user.id, `presence:${resource}`)),
      allowChannel('room', (user, name) => hears(user.id, `room:${name}`)),
      allowChannel('user', (user, userId) => hears(user.id, userChannelOf(userId))),
    ),
    plugins: [bug?.plugin?.(people) ?? people],
    limits: { maxMessagesPerSecond: null, maxQueueBytes, maxChannelChangesPerSecond },
    heartbeatIntervalMs: 5_000,
    clock,
    random,
    logger,
    newId: () => `c_${number}_${++ids}`,
  })
  const realtime = bug?.server?.(created) ?? created
  const relay = database.startRelay(
    options.wrapSink(bug?.sink?.(realtime.eventBus, realtime) ?? realtime.eventBus),
  )
  const accept: Accept = (accepted, handshake) => {
    const socket = watchCloses(accepted, (code, reason) => {
      if (code !== CLOSE_CODES.heartbeatTimeout) return
      options.count(reason === 'slow_consumer' ? 'slow reader closed' : 'half-open connection noticed')
    })
    const events = realtime.webSockets.connect(bug?.socket?.(socket) ?? socket, handshake)
    return watchQuestions(events, realtime, () => options.count('resume ahead of its server'))
  }
  listener = network.listen(accept, { beside: true })
  return {
    realtime,
    database,
    repositories,
    kill,
    get isAlive() {
      return isAlive
    },
    async stop() {
      listener?.close()
      await realtime.close()
      await relay.stop()
      await database.close()
      kill()
    },
  }
}

/** `createId`: for rows that come without one. */
export function createRepositories(
  database: RealtimeDatabase,
  createId?: () => string,
): ServerProcess['repositories'] {
  const ids = createId && { createId }
  return {
    Task: createRealtimeRepository({ database, entity: Task, ...ids }),
    Note: createRealtimeRepository({ database, entity: Note, ...ids }),
  }
}

/** Rights as the server takes them: whoever sees a row may write it. */
function ruleOf(rule: StandingRule | true | null) {
  if (rule === null || rule === true) return rule
  const { key, sees, fields } = rule
  const isOurs = (row: object): boolean => sees(row as WireRow)
  return {
    ...(key === undefined ? {} : { key }),
    sees: isOurs,
    ...(fields === undefined ? {} : { fields: fields as never }),
    create: isOurs,
    // A row may be handed to another team: then it leaves its author's sight.
    update: isOurs,
    delete: isOurs,
  }
}

function smallPages(
  history: ChangeHistory,
  pageChanges: number,
  count: (edge: RareEdge) => void,
): ChangeHistory {
  return {
    head: () => history.head(),
    async read(request) {
      const page = await history.read({ ...request, limit: Math.min(request.limit, pageChanges) })
      if (page.holds && page.more) count('resume in several pages')
      if (page.holds && page.isCut === true) count('log read in the middle of a transaction')
      return page
    },
  }
}

/** Tells why the server gives a connection up. */
function watchCloses(socket: ServerSocket, onClose: (code: number, reason: string) => void): ServerSocket {
  return {
    send: socket.send,
    terminate: socket.terminate,
    ping: socket.ping,
    get bufferedBytes() {
      return socket.bufferedBytes
    },
    close(code, reason) {
      onClose(code, reason)
      socket.close(code, reason)
    },
  }
}

/** Tells when somebody asks to go on from where this server has not come to yet: another one took them there. */
function watchQuestions(
  events: SocketEvents,
  { eventBus }: RealtimeServer,
  onAhead: () => void,
): SocketEvents {
  return {
    message(text) {
      const { type, payload } = JSON.parse(text) as { type: string; payload?: { position?: Position } }
      const asked = payload?.position
      const reached = eventBus.position
      const isAhead = asked && reached && asked.epoch === reached.epoch && asked.offset > reached.offset
      if (type === 'subscribe' && isAhead === true) onAhead()
      events.message(text)
    },
    binary: () => events.binary(),
    pong: () => events.pong(),
    closed: (code, reason) => events.closed(code, reason),
  }
}

/** As a database over a network: what was read arrives later. */
function slowReads(store: EntityStore, readMs: number, clock: Clock): EntityStore {
  if (readMs === 0) return store
  const arrive = <Value>(value: Value): Promise<Value> =>
    new Promise((resolve) => clock.setTimeout(() => resolve(value), readMs))
  return {
    ...store,
    get: async (id) => arrive(await store.get(id)),
    find: async (query) => arrive(await store.find(query)),
    async *snapshotChunks(query, options) {
      for await (const chunk of store.snapshotChunks(query, options)) yield arrive(chunk)
    },
  }
}

function smallChunks(store: EntityStore, chunkRows: number): EntityStore {
  return {
    entity: store.entity,
    get: store.get,
    find: store.find,
    mutate: store.mutate,
    snapshotChunks: (query) => store.snapshotChunks(query, { chunkRows }),
  }
}
