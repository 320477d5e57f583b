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

/** The id of the row that everybody listens to. */
export const ITEM_ID = '550e8400-e29b-41d4-a716-446655440000'

/** The `n`th state of a row. */
export function itemRow(n: number, id: string = ITEM_ID): ItemRow {
  return {
    id,
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
  return message('entity:Item', itemRow(n), n)
}

/** The same of a row that is listened to by its id. */
export function recordMessage(n: number, id: string): object {
  return message(`entity:Item:${id}`, itemRow(n, id), n)
}

function message(channel: string, payload: ItemRow, n: number): object {
  return {
    type: 'entity:updated',
    channel,
    payload,
    position: { epoch: 'V1StGXR8_Z5jdHi6B-myT', offset: n },
    timestamp: Date.now(),
  }
}
