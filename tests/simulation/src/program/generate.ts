// A program out of a seed. Each seed draws which kinds of fault exist at all and how often they come (a swarm): programs with
// one kind of trouble find what programs with all kinds of it hide.
import type { AnyWhere } from '@dnr/protocol'
import { LINK_FAULTS, type LinkFault } from '@dnr/testing'
import { ENTITY_NAMES, TEAMS } from '../entities.ts'
import { type PolicyStyle, ROLES } from '../standings.ts'
import { createDraw, type Draw } from './draw.ts'
import { drawBreadth } from './draw-breadth.ts'
import { drawOvertaken } from './draw-overtaken.ts'
import { drawBursts } from './draw-bursts.ts'
import { drawBulk, drawRequest } from './draw-http.ts'
import { drawPeople, drawTalk } from './draw-people.ts'
import { drawWrite } from './draw-write.ts'
import {
  type Action,
  type ClientAction,
  type Fault,
  FAULT_KINDS,
  type FaultKind,
  isOfPeople,
  type Operation,
  type Program,
  PROGRAM_FAULTS,
  RULE_FAULTS,
  type ServerWrite,
} from './operation.ts'
import { anEntity, anId, fieldsOf, idOf, patchOf, ROWS, type Setting } from './setting.ts'

export function generateProgram(seed: number): Program {
  const draw = createDraw(seed, 'program')
  const setting: Setting = { draw, clients: draw.whole(5, 8), rows: draw.whole(3, ROWS), markers: 0 }
  const policy: PolicyStyle = {
    reads: draw.one(['when made', 'when asked'] as const),
    keys: draw.one(['shared', 'own'] as const),
    answers: draw.one(['at once', 'later'] as const),
  }
  const rules = createDraw(seed, 'rules')
  const programs = createDraw(seed, 'programs')
  const faults = FAULT_KINDS.filter((kind) => draw.chance(0.35) && isToldOf(kind, policy)).concat(
    RULE_FAULTS.filter(() => rules.chance(0.25)),
    PROGRAM_FAULTS.filter(() => programs.chance(0.2)),
  )
  const faultRate = faults.length === 0 ? 0 : draw.one([0.05, 0.1, 0.2])
  const sides = SIDES.filter(() => draw.chance(0.5))
  const sideRate = sides.length === 0 ? 0 : draw.one([0.1, 0.25, 0.4])
  const hasOwnPace = draw.one([20, 150, 400])
  const operations: Operation[] = openings(setting)
  let at = 0
  const length = draw.whole(100, 150) + (sides.length === 0 ? 0 : draw.whole(10, 60))
  while (operations.length < length) {
    at += draw.chance(0.4) ? draw.whole(0, 3) : draw.whole(0, hasOwnPace)
    const drawOther = draw.chance(sideRate) ? draw.one(sides) : drawAction
    const drawn = draw.chance(faultRate) ? drawFault(setting, faults) : drawOther(setting)
    for (const action of [drawn].flat()) {
      operations.push({ at, ...action })
      // What belongs together follows closely, and what stands alone is alone.
      if (drawn !== action) at += draw.one([0, draw.whole(0, 5), draw.whole(5, 80)])
    }
  }
  const paces = createDraw(seed, 'paces')
  const servers = createDraw(seed, 'servers').chance(0.2) ? 2 : 1
  const bursts = drawBursts({ ...setting, draw: createDraw(seed, 'bursts') }, at)
  return {
    seed,
    clients: bursts.clients,
    servers,
    latencyMs: draw.one([
      [0, 1],
      [1, 30],
      [5, 300],
    ] as const),
    pageChanges: draw.one([2, 5, 1_000]),
    maxWholeChanges: createDraw(seed, 'long transactions').one([1, 2, 1_000, 1_000]),
    chunkRows: draw.one([2, 5, 500]),
    windowBytes: draw.one([2_000, 65_536]),
    maxQueueBytes: draw.one([1_500, 5_000, 1_000_000]),
    readMs: draw.one([0, 20, 60]),
    maxChannelChangesPerSecond: paces.chance(0.1) ? paces.one([1, 3, 10]) : null,
    workMs: bursts.workMs,
    policy,
    operations: saidLate([...operations, ...bursts.operations], createDraw(seed, 'said late'))
      .filter((each) => servers === 1 || !isOfOneProcess(each))
      .sort((a, b) => a.at - b.at),
  }
}

/** Some programs have an application that says late that rights have changed. */
function saidLate(operations: readonly Operation[], draw: Draw): Operation[] {
  if (draw.chance(0.7)) return [...operations]
  return operations.map((each) =>
    each.do === 'team' && draw.chance(0.5) ? { ...each, saidAfterMs: draw.whole(1, 400) } : each,
  )
}

/** People and words are known to the process that they are connected to. */
function isOfOneProcess(operation: Operation): boolean {
  return isOfPeople(operation) || operation.do === 'announce'
}

/** What a program may do beside rows over the socket; each has some of them. */
const SIDES: readonly ((setting: Setting) => Action | readonly Action[])[] = [
  drawPeople,
  drawTalk,
  drawRequest,
  drawBulk,
  drawBreadth,
  drawOvertaken,
]

/** What `invalidate` has told a server dies with it: only keys that change with the rights outlive the process. */
function isToldOf(kind: FaultKind, { reads, keys }: PolicyStyle): boolean {
  const endsTheServer = kind === 'crash' || kind === 'crash-at' || kind === 'restart' || kind === 'restore'
  return !endsTheServer || (reads === 'when made' && keys === 'shared')
}

/** Rows to begin with, and a collection for everybody. */
function openings(setting: Setting): Operation[] {
  const { draw, clients } = setting
  const rows = Array.from({ length: draw.whole(0, setting.rows) }, (_, index): Operation => {
    const entity = draw.one(ENTITY_NAMES)
    return {
      at: 0,
      do: 'write',
      write: { operation: 'create', entity, id: idOf(entity, index), fields: fieldsOf(setting, entity) },
    }
  })
  const opened = Array.from({ length: clients }, (_, client): Operation => ({
    at: draw.whole(0, 200),
    client,
    ...openingOf(setting, 0),
  }))
  return [...rows, ...opened].sort((a, b) => a.at - b.at)
}

function openingOf(setting: Setting, slot: number): Extract<ClientAction, { do: 'open' }> {
  const { draw } = setting
  const entity = anEntity(setting)
  const where =
    entity === 'Task' && draw.chance(0.5)
      ? draw.one<AnyWhere>([{ done: false }, { rank: { lt: 3 } }, { rank: { gte: 2 }, done: false }])
      : {}
  return { do: 'open', slot, entity, where, ...(draw.chance(0.2) ? { limit: 3 } : {}) }
}

function drawAction(setting: Setting): Action {
  const { draw } = setting
  if (draw.chance(0.25)) return { do: 'write', write: drawWrite(setting) }
  if (draw.chance(0.1)) {
    const writes = Array.from({ length: draw.whole(2, 5) }, () => drawWrite(setting))
    return {
      do: 'transaction',
      writes,
      pauseMs: draw.chance(0.3) ? draw.whole(1, 400) : 0,
      fails: draw.chance(0.15),
    }
  }
  const client = draw.whole(0, setting.clients - 1)
  const entity = anEntity(setting)
  const id = anId(setting, entity)
  const kind = draw.random()
  if (kind < 0.2) return { client, do: 'create', entity, id, fields: fieldsOf(setting, entity) }
  if (kind < 0.55)
    return {
      client,
      do: 'update',
      entity,
      id,
      fields: patchOf(setting, entity),
      ...(draw.chance(0.3) ? { ifVersion: true } : {}),
    }
  if (kind < 0.65) return { client, do: 'delete', entity, id }
  if (kind < 0.75) return { client, ...openingOf(setting, draw.whole(0, 2)) }
  if (kind < 0.82) return { client, do: 'close', slot: draw.whole(0, 2) }
  if (kind < 0.9) return { client, do: draw.chance(0.6) ? 'listen' : 'unlisten', entity, id }
  if (kind < 0.93) return { client, do: 'twin' }
  return { client, do: draw.one(['disconnect', 'connect', 'connect', 'wake', 'reload'] as const) }
}

function someWrites(setting: Setting): ServerWrite[] {
  return Array.from({ length: setting.draw.whole(0, 3) }, () => drawWrite(setting))
}

function drawFault(setting: Setting, kinds: readonly FaultKind[]): Fault {
  const { draw, clients } = setting
  const client = draw.whole(0, clients - 1)
  const forMs = draw.one([draw.whole(10, 200), draw.whole(200, 2_000), draw.whole(2_000, 12_000)])
  const downMs = draw.one([0, draw.whole(1, 300), draw.whole(300, 3_000)])
  const kind = draw.one(kinds)
  switch (kind) {
    case 'link':
      return { do: kind, client, fault: draw.one(LINK_FAULTS), forMs }
    case 'cut-inside':
      return { do: kind, client }
    case 'refuse':
    case 'suspend':
    case 'slow':
      return { do: kind, client, forMs }
    case 'weather':
      return {
        do: kind,
        weather: {
          [draw.one<LinkFault | 'refuse'>([...LINK_FAULTS, 'refuse'])]: draw.one([0.01, 0.05, 0.2]),
        },
        forMs,
      }
    case 'crash':
    case 'restart':
    case 'restore':
      return { do: kind, downMs }
    case 'crash-at':
      return { do: kind, statement: draw.whole(1, 40), executed: draw.chance(0.5), downMs }
    case 'trim':
      return { do: kind, keep: draw.one([0, 0, 1, 5, 20]) }
    case 'program':
      return {
        do: kind,
        writes: someWrites(setting),
        keep: draw.one([0, 0, 1, 5]),
        writesAfter: someWrites(setting),
      }
    case 'backup':
      return { do: kind }
    case 'busy':
    case 'full':
      return { do: kind, forMs: Math.min(forMs, 4_000) }
    case 'sink':
      return { do: kind, fails: draw.whole(0, 3), repeats: draw.chance(0.5) }
    case 'team':
      return {
        do: kind,
        client,
        team: draw.one(TEAMS),
        role: draw.one(ROLES),
        scope: draw.one(['userId', 'key', 'channel'] as const),
      }
    case 'open-team':
      return {
        do: kind,
        team: draw.one(TEAMS),
        isOpen: draw.chance(0.5),
        scope: draw.one(['userId', 'key', 'channel'] as const),
      }
    case 'rule': {
      const entity = draw.one(ENTITY_NAMES)
      return { do: kind, ids: Array.from({ length: draw.whole(1, 5) }, () => anId(setting, entity)), forMs }
    }
    case 'lookup':
      return { do: kind, trouble: draw.one(['rejects', 'hangs'] as const), forMs }
    case 'clock':
      return { do: kind, jumpMs: draw.one([-3_600_000, 3_600_000, -20_000, 315_360_000_000]) }
  }
}
