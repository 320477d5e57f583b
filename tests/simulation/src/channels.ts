// The channels without rows that programs use: each team has a board to be at and a room to talk in, each user one of their own.
import type { EntityChannel, PresenceChannel, RecordChannel, RoomChannel, UserChannel } from '@dnr/protocol'
import { TEAMS } from './entities.ts'

/** Where people talk, or are talked to. */
export type TalkChannel = RoomChannel | UserChannel

/** Where rows are heard of. */
export type RowChannel = EntityChannel | RecordChannel

/** What presence calls the board of a team. */
export function resourceOf(team: string): string {
  return `board/${team}`
}

export function boardOf(team: string): PresenceChannel {
  return `presence:${resourceOf(team)}`
}

export function roomOf(team: string): RoomChannel {
  return `room:${team}`
}

export function userChannelOf(user: string): UserChannel {
  return `user:${user}`
}

/** How somebody is called: a marker, so that the name is looked for in everything that is sent. */
export function nameOf(user: string): string {
  return `~name-${user}~`
}

export const TEAM_CHANNELS = TEAMS.flatMap((team) => [boardOf(team), roomOf(team)])
