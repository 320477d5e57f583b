import { parseChannel } from '@dnr/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createRowChannels } from '../../src/channel/row-channels.ts'
import type { ChannelEntry } from '../../src/channel/subscription.ts'

const names = ['entity:Task', 'entity:Task:1', 'entity:Task:a:b', 'entity:User:1', 'room:Task', 'user:1']
const step = fc.record({ name: fc.constantFrom(...names), isThere: fc.boolean() })
const change = fc.record({
  entity: fc.constantFrom('Task', 'User', 'Other'),
  id: fc.constantFrom('1', 'a:b', 'Task'),
})

test('a change is heard on the channels that are called after its entity and its row, and on no other', () => {
  fc.assert(
    fc.property(fc.array(step), change, (steps, { entity, id }) => {
      const rowChannels = createRowChannels()
      const entries = new Map<string, ChannelEntry>()
      for (const { name, isThere } of steps) {
        const known = entries.get(name)
        if (known !== undefined && !isThere) {
          rowChannels.remove(known)
          entries.delete(name)
        } else if (known === undefined && isThere) {
          const added = entryOf(name)
          rowChannels.add(added)
          entries.set(name, added)
        }
      }
      const expected = [`entity:${entity}`, `entity:${entity}:${id}`].flatMap(
        (name) => entries.get(name) ?? [],
      )
      expect(rowChannels.of({ entity, id })).toEqual(expected)
    }),
  )
})

function entryOf(name: string): ChannelEntry {
  const parsed = parseChannel(name)
  if (!parsed.ok) throw new Error(`${name} is no channel`)
  return { name, channel: parsed.value } as unknown as ChannelEntry
}
