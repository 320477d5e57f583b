// Who could hear which channel without rows, and when. Holds no words: those are markers of the leak checker.
import { parseChannel } from '@dnr/protocol'
import { createHeldRights } from './held-rights.ts'
import type { Rights, RightsPort } from './rights.ts'

/** The audiences of rooms, of presence, and of single users. */
export interface Audiences {
  /** This moment, for `couldHear`; from now on the rights of this principal are remembered. */
  note(principal: string, channel: string): number
  /** May they hear it at this moment? */
  hears(principal: string, channel: string): boolean
  /** Could they hear it at any moment from the noted one on? */
  couldHear(principal: string, channel: string, since: number): boolean
  /** Rights may have changed. */
  changed(): void
}

const HEARS: Rights = { key: 'hears', sees: () => true }

export function createAudiences(hears: NonNullable<RightsPort['hears']>): Audiences {
  const held = createHeldRights({
    rightsOf: (principal, channel) => (hears(principal, channel) ? HEARS : null),
  })
  const couldHear = (principal: string, channel: string, since: number): boolean =>
    held.heldSince(since, principal, channel).some((each) => each !== null)
  return {
    note(principal, channel) {
      held.note(principal, channel)
      return held.now()
    },
    hears: (principal, channel) => couldHear(principal, channel, held.now()),
    couldHear,
    changed: held.changed,
  }
}

/** Is it a channel that people talk on, or are at? */
export function isWithoutRows(channel: unknown): channel is string {
  if (typeof channel !== 'string') return false
  const parsed = parseChannel(channel)
  return parsed.ok && parsed.value.kind !== 'entity' && parsed.value.kind !== 'record'
}
