import { defineEntity, type RowOf } from '@dnr/protocol'
import { z } from 'zod'

/** The row of all benchmarks: about 200 bytes of JSON, as the budget says. */
export const Item = defineEntity(
  'Item',
  z.object({
    id: z.string(),
    title: z.string(),
    status: z.string(),
    team: z.string(),
    rank: z.number(),
    notes: z.string(),
  }),
)

export type ItemRow = RowOf<typeof Item>

/** A state of the row without what the repository keeps itself. */
export function itemFields(n: number): Omit<ItemRow, 'version'> {
  const { version: _version, ...fields } = itemRow(n)
  return fields
}

/** The `n`th state of the row. */
export function itemRow(n: number): ItemRow {
  return {
    id: '550e8400-e29b-41d4-a716-446655440000',
    title: `Change the title for the ${n}th time`,
    status: 'todo',
    team: 'red',
    rank: n,
    notes: 'Sixty-odd characters of notes that nobody reads.',
    version: n + 1,
  }
}

/** What the peers send: the message of the wire, with the same fields as DNR's own. */
export function itemMessage(n: number): object {
  return {
    type: 'entity:updated',
    channel: 'entity:Item',
    payload: itemRow(n),
    position: { epoch: 'V1StGXR8_Z5jdHi6B-myT', offset: n },
    timestamp: Date.now(),
  }
}
