// Bursts: several clients subscribe at once to the same few channels, unsubscribe, and subscribe again, while connections break and
// rights change. A busy server lets them take turns.
import { TEAMS } from '../entities.ts'
import { ROLES } from '../standings.ts'
import type { RowChannel } from '../channels.ts'
import type { Action, BareAction, Operation } from './operation.ts'
import { anEntity, anId, type Setting } from './setting.ts'
import { drawWrite } from './draw-write.ts'

/** How long a burst lasts: about as long as what it asks for takes. */
const LASTS_MS = 60

/** With so many more clients, which do nothing but subscribe, a burst is what the server calls a crowd. */
const CROWD = 20

/** What some programs have beside what happens at their own pace. */
export interface Bursts {
  readonly clients: number
  readonly workMs: number
  readonly operations: readonly Operation[]
}

export function drawBursts(setting: Setting, untilMs: number): Bursts {
  const { draw } = setting
  if (!draw.chance(0.25)) return { clients: setting.clients, workMs: 0, operations: [] }
  const clients = setting.clients + (draw.chance(0.2) ? CROWD : 0)
  const bursts = Array.from({ length: draw.whole(1, 4) }, () =>
    drawBurst({ ...setting, clients }, draw.whole(0, untilMs)),
  )
  return { clients, workMs: draw.one([0, 0.1, 0.7, 2.3]), operations: bursts.flat() }
}

function drawBurst(setting: Setting, startsAt: number): Operation[] {
  const { draw, clients } = setting
  const channels = Array.from({ length: draw.whole(2, 8) }, () => aRowChannel(setting))
  const asked = Array.from({ length: draw.whole(clients * 3, clients * 6) }, (): Action => {
    const client = draw.whole(0, clients - 1)
    return { client, ...drawAsked(setting, draw.one(channels)) }
  })
  const meanwhile = Array.from({ length: draw.whole(0, 4) }, () => drawMeanwhile(setting)).flat()
  return [
    ...asked.map((action): Operation => ({ at: startsAt + draw.one([0, draw.whole(0, 5)]), ...action })),
    ...meanwhile.map((action): Operation => ({ at: startsAt + draw.whole(0, LASTS_MS), ...action })),
  ]
}

function drawAsked({ draw }: Setting, channel: RowChannel): BareAction {
  const subscription = draw.one(['x', 'y'])
  return draw.chance(0.65)
    ? { do: 'bare-subscribe', channel, subscription, snapshot: draw.chance(0.7) }
    : { do: 'bare-unsubscribe', channel, subscription }
}

function drawMeanwhile(setting: Setting): readonly Action[] {
  const { draw, clients } = setting
  const client = draw.whole(0, clients - 1)
  const kind = draw.random()
  if (kind < 0.3) return [{ do: 'link', client, fault: 'cut', forMs: 0 }]
  if (kind < 0.5)
    return [
      { client, do: 'disconnect' },
      { client, do: 'connect' },
    ]
  if (kind < 0.75) return [{ do: 'write', write: drawWrite(setting) }]
  const scope = draw.one(['userId', 'key', 'channel'] as const)
  return [{ do: 'team', client, team: draw.one(TEAMS), role: draw.one(ROLES), scope }]
}

function aRowChannel(setting: Setting): RowChannel {
  const entity = anEntity(setting)
  return setting.draw.chance(0.5) ? `entity:${entity}` : `entity:${entity}:${anId(setting, entity)}`
}
