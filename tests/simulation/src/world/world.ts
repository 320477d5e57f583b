// The whole system of one program: disk, network, servers that may die, and their clients, on one clock. Holds the present
// servers and what is to be undone when faults heal; what an action does is in perform.ts, the end in rest.ts.
import type { Change, ChangeSink } from '@dnr/protocol'
import {
  createInvariantChecker,
  createManualClock,
  createNetwork,
  type InvariantChecker,
  InvariantViolation,
  type ManualClock,
  type Network,
  type Turns,
} from '@dnr/testing'
import { type Coverage, createCoverage, type RareEdge } from '../coverage.ts'
import { MARKER, TEAMS } from '../entities.ts'
import type { PlantedBug } from '../planted-bug.ts'
import { createDraw } from '../program/draw.ts'
import type { Program } from '../program/operation.ts'
import { createStandings, type Role, type Standings } from '../standings.ts'
import { readChangesAfter, readFloor, readHeadOffset, readTable } from './committed-changes.ts'
import { createEdgesOfPeople } from './edges-of-people.ts'
import { createEdges } from './edges.ts'
import { createEdgesOfWaiting, type EdgesOfWaiting } from './edges-of-waiting.ts'
import { createRuleTrouble, type RuleTrouble } from './rule-trouble.ts'
import { createServerLife, type ServerLife, SINK_ERROR } from './server-life.ts'
import type { ServerProcess } from './server-process.ts'
import { createSimClient, type SimClient } from './sim-client.ts'
import { createStorage, type Storage } from './storage.ts'

export interface World {
  readonly program: Program
  readonly clock: ManualClock
  readonly storage: Storage
  readonly network: Network
  readonly checker: InvariantChecker
  readonly waiting: EdgesOfWaiting
  headAtRights: number
  readonly coverage: Coverage
  readonly clients: SimClient[]
  readonly standings: Standings
  readonly rules: RuleTrouble
  readonly trace: string[]
  /** Those that listen. */
  readonly servers: readonly ServerProcess[]
  /** Which of the servers an action of this moment concerns. */
  placeAt(at: number): number
  /** That one; `null`: it does not listen. */
  serverAt(at: number): ServerProcess | null
  /** Users whose link breaks in the middle of the next transaction that they are sent. */
  readonly cutInside: Set<string>
  /** How the sink misbehaves from now on. */
  sink: { fails: number; repeats: boolean }
  backup: Buffer | null
  /** Programs beside the server that have the database open: how each of them is killed. */
  readonly otherPrograms: { started: number; readonly running: Set<() => void> }
  /** How often the log has been trimmed. */
  trims: number
  note(line: string): void
  count(edge: RareEdge): void
  /** Kills the server whom an action of this moment concerns, and starts another after `downMs`. */
  crash(at: number, downMs: number): void
  /** Kills all; `between` runs while there is none. */
  crashAll(downMs: number, between: () => void): void
  start(): void
  /** A client of this user, in the place of the one before. */
  openTab(index: number): SimClient
  /** Do all servers listen? */
  readonly isServing: boolean
  /** @throws InvariantViolation the first that was found */
  assertWell(): void
  checkTables(): void
  fail(violation: InvariantViolation): void
}

/** Of each user in turn, until rights change. */
const FIRST_ROLES: readonly Role[] = [
  'member',
  'member',
  'reader',
  'member',
  'admin',
  'reader',
  'member',
  'member',
]

export function createWorld(program: Program, turns: Turns, bug: PlantedBug | null): World {
  const clock = createManualClock({ settle: turns.quiet })
  const coverage = createCoverage()
  const trace: string[] = []
  const standings = createStandings()
  const tabs = new Map<number, number>()
  let violation: InvariantViolation | null = null
  let isPublished = true
  let trimmed: readonly Change[] = []

  const note = (line: string): void => void trace.push(`${clock.monotonic().toFixed(3).padStart(12)} ${line}`)
  const count = (edge: RareEdge): void => void coverage[edge]++
  const guard = (judge: () => void): void => {
    try {
      judge()
    } catch (error) {
      fail(error as InvariantViolation)
    }
  }
  const fail = (found: InvariantViolation): void => {
    violation ??= checker.violation ?? found
  }

  const storage = createStorage({
    isShared: program.servers > 1,
    onCommitted: () =>
      guard(() => {
        const { head } = checker.log
        const floor = readFloor(storage)
        const before = trimmed.filter(({ position: { offset } }) => offset > head && offset <= floor)
        trimmed = []
        if (readHeadOffset(storage) === head) return
        isPublished = false
        checker.committed([...before, ...readChangesAfter(storage, before.at(-1)?.position.offset ?? head)])
      }),
    onTrimming: () => {
      const known = trimmed.at(-1)?.position.offset ?? checker.log.head
      trimmed = [...trimmed, ...readChangesAfter(storage, known)]
    },
    onUndone: () => {
      trimmed = []
    },
    onKilledInside: () => count('crash inside a transaction'),
  })
  const network = createNetwork({
    clock,
    random: createDraw(program.seed, 'network').random,
    latencyMs: program.latencyMs,
    windowBytes: program.windowBytes,
  })
  const checker = createInvariantChecker({
    rightsOf: (user, entity) => standings.rightsOf(user, entity),
    hears: (user, channel) => standings.hears(user, channel),
    marker: MARKER,
  })
  network.watch({
    opened: (link) => {
      note(`${link.name} opened`)
      checker.opened?.(link)
    },
    received(link, text) {
      note(`${link.name} → ${text}`)
      guard(() => checker.received?.(link, text))
    },
    sent(link, text) {
      note(`${link.name} ← ${text}`)
      guard(() => checker.sent?.(link, text))
      // What is under way arrives, what follows does not.
      if (
        text.includes('"more":true') &&
        text.startsWith('{"type":"entity:') &&
        world.cutInside.delete(link.host)
      )
        link.loseTail(0)
    },
    closed(link, code) {
      note(`${link.name} closed ${code}`)
      checker.closed?.(link, code)
    },
  })
  network.watch(createEdgesOfPeople(coverage))
  network.watch(
    createEdges({
      coverage,
      head: () => checker.log.head,
      trims: () => world.trims,
    }),
  )
  const waiting = createEdgesOfWaiting({ coverage, clock })
  network.watch(waiting)

  /** At least once, as a relay may: a transaction that failed comes again, one that was taken may too. */
  const wrapSink = (sink: ChangeSink): ChangeSink => {
    let last: Parameters<ChangeSink['publish']>[0] | null = null
    let hasBegun = false
    const failNow = (): void => {
      if (world.sink.fails === 0) return
      world.sink.fails--
      count('sink failed')
      throw new Error(SINK_ERROR)
    }
    return {
      async publish(transaction) {
        failNow()
        if (world.sink.repeats && last !== null) {
          count('transaction delivered again')
          await sink.publish(last)
        }
        if (transaction.at(-1)?.last === false) count('transaction in parts')
        last = transaction
        isPublished = true
        await sink.publish(transaction)
      },
      async skipTo(gap) {
        failNow()
        if (hasBegun) count('trimmed before the relay had read it')
        hasBegun = true
        await sink.skipTo?.(gap)
      },
    }
  }

  const world: World = {
    program,
    clock,
    storage,
    network,
    checker,
    waiting,
    headAtRights: 0,
    coverage,
    standings,
    rules: createRuleTrouble(count),
    trace,
    clients: [],
    get servers() {
      return lives.flatMap(({ server }) => server ?? [])
    },
    placeAt: (at) => at % program.servers,
    serverAt: (at) => lifeAt(at).server,
    cutInside: new Set(),
    sink: { fails: 0, repeats: false },
    backup: null,
    otherPrograms: { started: 0, running: new Set() },
    trims: 0,
    note,
    count,
    fail,
    get isServing() {
      return lives.every(({ server }) => server?.isAlive === true)
    },
    start() {
      // To the checker that is a rule that fails: changes that are told together are missing until then.
      if (program.maxChannelChangesPerSecond !== null) checker.policiesFail()
      for (const life of lives) life.start()
    },
    crash(at, downMs) {
      countUnpublished()
      lifeAt(at).crash(downMs)
    },
    crashAll(downMs, between) {
      countUnpublished()
      for (const life of lives) life.crash(downMs)
      between()
    },
    openTab(index) {
      const user = `u${index}`
      const tab = (tabs.get(index) ?? 0) + 1
      tabs.set(index, tab)
      if (!standings.has(user))
        standings.setTeam(
          user,
          TEAMS[index % TEAMS.length] as string,
          FIRST_ROLES[index % FIRST_ROLES.length] as Role,
        )
      const client = createSimClient({
        user,
        tab,
        clock,
        host: network.host(user),
        draw: createDraw(program.seed, `client ${user}.${tab}`),
        checker,
        rightsChanges: () => world.standings.changes,
        headAtRights: () => world.headAtRights,
        isShared: program.servers > 1,
        note,
        count,
        onViolation: () => {
          violation ??= checker.violation
        },
      })
      world.clients[index] = client
      return client
    },
    assertWell() {
      if (violation !== null) throw violation
    },
    checkTables() {
      if (storage.isInTransaction) return
      for (const entity of ['Task', 'Note']) checker.table(entity, readTable(storage, entity))
    },
  }
  let processes = 0
  const lives = Array.from({ length: program.servers }, (_, place) =>
    createServerLife({
      place,
      nextNumber: () => ++processes,
      clock,
      storage,
      network,
      program,
      bug,
      standings,
      rules: world.rules,
      wrapSink,
      note,
      count,
      fail,
      onListening: () => guard(() => world.checkTables()),
    }),
  )
  const lifeAt = (at: number): ServerLife => lives[world.placeAt(at)] as ServerLife
  const countUnpublished = (): void => {
    if (!isPublished) count('crash between commit and publish')
    isPublished = true
  }
  return world
}
