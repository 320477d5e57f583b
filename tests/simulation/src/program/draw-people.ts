// What people do at boards and in rooms: their own and those of others, so that some of it is refused.
import { roomOf, type TalkChannel, userChannelOf } from '../channels.ts'
import { TEAMS } from '../entities.ts'
import type { Action } from './operation.ts'
import { marker, type Setting } from './setting.ts'

export function drawPeople(setting: Setting): Action {
  const { draw } = setting
  const client = draw.whole(0, setting.clients - 1)
  const team = draw.one(TEAMS)
  const kind = draw.random()
  if (kind < 0.3) return { client, do: 'join', team, card: marker(setting) }
  if (kind < 0.5) return { client, do: 'point', team, card: marker(setting) }
  if (kind < 0.65) return { client, do: 'bare-join', team, card: marker(setting) }
  if (kind < 0.75) return { client, do: 'watch', team }
  if (kind < 0.85) return { client, do: 'beat', team, state: draw.one(['active', 'idle', 'away'] as const) }
  return { client, do: draw.one(['leave', 'leave', 'bare-leave'] as const), team }
}

export function drawTalk(setting: Setting): Action {
  const { draw } = setting
  const client = draw.whole(0, setting.clients - 1)
  const isOwn = draw.chance(0.2)
  const channel = isOwn ? userChannelOf(`u${client}`) : aTalkChannel(setting)
  const kind = draw.random()
  if (kind < 0.3) return { client, do: 'hear', channel }
  if (kind < 0.4) return { client, do: 'unhear', channel }
  const text = marker(setting)
  return kind < 0.75 ? { client, do: 'talk', channel, text } : { do: 'announce', channel, text }
}

function aTalkChannel({ draw, clients }: Setting): TalkChannel {
  return draw.chance(0.7) ? roomOf(draw.one(TEAMS)) : userChannelOf(`u${draw.whole(0, clients - 1)}`)
}
