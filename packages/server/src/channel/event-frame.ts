import type { Position } from '@dnr/protocol'
import { frameOf } from '../connection/frame.ts'
import type { Frame } from '../ports/server-socket.ts'
import type { Outcome } from './outcome.ts'
import type { Group } from './subscription.ts'

/** An event of a row. `revealed`: the row is as it was, but other fields of it are in sight. */
export interface RowEvent {
  readonly outcome: Outcome | 'revealed'
  /** Encoded already. */
  readonly payload: string
  /** `null`: it is in no log. */
  readonly position: Position | null
  readonly mutationId: string | null
  /** How many changes it stands for. */
  readonly conflated?: number
  /** Another event of the transaction follows. */
  readonly more: boolean
}

const TYPES: Readonly<Record<RowEvent['outcome'], string>> = {
  created: 'entity:created',
  entered: 'entity:created',
  updated: 'entity:updated',
  revealed: 'entity:updated',
  deleted: 'entity:deleted',
  left: 'entity:deleted',
}

const REASONS: Readonly<Partial<Record<RowEvent['outcome'], string>>> = {
  entered: '"reason":"entered",',
  revealed: '"reason":"entered",',
  left: '"reason":"left",',
}

/** The event as the members of a group get it. Put together from text, because the row is encoded already. */
export function eventFrame(
  { channel, subscription }: Group,
  { outcome, payload, position, mutationId, conflated = 1, more }: RowEvent,
  now: number,
): Frame {
  return frameOf(
    `{"type":"${TYPES[outcome]}","channel":${JSON.stringify(channel.name)},` +
      (subscription === undefined ? '' : `"subscription":${JSON.stringify(subscription)},`) +
      `"payload":${payload},` +
      (position === null
        ? ''
        : `"position":{"epoch":${JSON.stringify(position.epoch)},"offset":${position.offset}},`) +
      // Whose write it was is not for those who may no longer see the row.
      (mutationId === null || outcome === 'left' ? '' : `"mutationId":${JSON.stringify(mutationId)},`) +
      (REASONS[outcome] ?? '') +
      (conflated > 1 ? `"conflated":${conflated},` : '') +
      (more ? '"more":true,' : '') +
      `"timestamp":${now}}`,
  )
}
