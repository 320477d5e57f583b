// Broken variants of the hub: what a simulation that never fails has to be able to find. Each wraps a port; none is a switch in
// the product's code.
import type { Change } from '@dnr/protocol'
import type { RealtimeServer } from '@dnr/server'
import type { PlantedBug } from './planted-bug.ts'
import { onConnect, onMutate, onPages, onPublish, onSend, onSends, withStore } from './planted-ports.ts'
import type { StandingRule } from './standings.ts'

export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: 'drops the last change of a resume',
    history: onPages((page) => ({ ...page, changes: page.more ? page.changes : page.changes.slice(0, -1) })),
  },
  {
    name: 'doubles at the seam between replay and live',
    history: onPages((page) => ({
      ...page,
      position: page.more
        ? page.position
        : { ...page.position, offset: Math.max(0, page.position.offset - 1) },
    })),
  },
  {
    name: 'reorders a batch',
    sink: onPublish((transaction) => [...transaction].reverse()),
  },
  {
    name: 'forgets the epoch',
    history: (history) => ({
      head: history.head,
      async read(request) {
        const { epoch, offset } = await history.head()
        return history.read({ ...request, after: { epoch, offset: Math.min(request.after.offset, offset) } })
      },
    }),
  },
  tellsItsOwnAlone(),
  letsUnsubscribesOvertake(),
  {
    name: 'forgets which request it answers',
    socket: onSend((text) =>
      text.startsWith('{"type":"unsubscribed"') ? text.replace(/,"requestId":"[^"]*"/, '') : text,
    ),
  },
  tellsEverybodyOfDeletions(),
  remembersFirstRights(),
  {
    name: 'gives all the same key',
    rule: (rule) => ({ ...rule, key: 'everybody' }),
  },
  forgetsRedactionOnEntering(),
  {
    name: 'ends a snapshot before it tells what other rights make of it',
    socket: onSends(endsSnapshotsFirst),
  },
  {
    name: 'does not hear that rights have changed',
    server: (server) => ({ ...server, invalidate: () => Promise.resolve() }),
  },
  {
    name: 'forgets who has written already',
    store: (store) => {
      const seen = new Map<string, number>()
      return onMutate(store, (mutation, context) => {
        const { mutationId } = context
        if (mutationId === undefined) return store.mutate(mutation, context)
        const times = (seen.get(mutationId) ?? 0) + 1
        seen.set(mutationId, times)
        return store.mutate(
          mutation,
          times === 1 ? context : { ...context, mutationId: `${mutationId}/${times}` },
        )
      })
    },
  },
  {
    name: 'publishes before the commit',
    store: (store, hub) =>
      onMutate(store, (mutation, context) =>
        store.mutate(mutation, {
          ...context,
          authorize(images) {
            context.authorize?.(images)
            const { before, after, operation, replay } = images
            const position = hub().eventBus.position
            if (replay || position === null) return
            const row = (after ?? before) as Change['after']
            if (row === null) return
            hub().eventBus.publish([
              {
                entity: store.entity.name,
                id: row.id,
                operation:
                  operation === 'create' ? 'created' : operation === 'update' ? 'updated' : 'deleted',
                version: row.version,
                before: before as Change['before'],
                after: after as Change['after'],
                mutationId: context.mutationId ?? null,
                actor: null,
                at: 0,
                position: { ...position, offset: position.offset + 1 },
                transaction: position.offset + 1,
                last: true,
              },
            ])
          },
        }),
      ),
  },
  {
    // A row that was deleted as rights changed from everything to fewer is in no store, and no account of it was kept.
    name: 'does not look at what went while rights changed',
    history: (history) => ({
      head: history.head,
      async read(request) {
        const page = await history.read(request)
        const isOfDifference = request.limit >= CHANGES_OF_A_DIFFERENCE
        return isOfDifference && page.holds ? { ...page, changes: [], more: false } : page
      },
    }),
  },
  {
    name: 'marks no transaction',
    socket: onSend((text) => text.replace('"more":true,', '')),
  },
  {
    name: 'does not ask under which rights a position was reached',
    socket: onSend((text) => text.replace(/,"grant":"[^"]*"/, '')),
  },
  {
    name: 'forgets that a rule has failed',
    rule: ({ sees, ...others }) => ({ ...others, sees: (row) => catching(() => sees(row)) }),
  },
  {
    name: 'shows every field to everybody',
    rule: (rule) => ({ ...rule, fields: undefined }),
  },
  {
    name: 'says that every position holds',
    history: (history) => ({
      head: history.head,
      async read(request) {
        const page = await history.read(request)
        return page.holds ? page : { holds: true, changes: [], position: await history.head(), more: false }
      },
    }),
  },
  {
    name: 'delivers a transaction without its first change',
    sink: onPublish((transaction) => (transaction.length > 1 ? transaction.slice(1) : transaction)),
  },
  {
    name: 'forgets to tell a gap',
    sink: (sink) => ({ publish: (transaction) => sink.publish(transaction) }),
  },
  {
    name: 'dates a snapshot when it was read instead of before',
    store: (store, hub) => ({
      ...withStore(store),
      async *snapshotChunks(query, options) {
        for await (const chunk of store.snapshotChunks(query, options)) {
          const position = hub().eventBus.position ?? chunk.position
          yield { ...chunk, position }
        }
      },
    }),
  },
]

/** Of what the clients of another server write, nobody here is told. */
function tellsItsOwnAlone(): PlantedBug {
  const written = new WeakMap<RealtimeServer, Set<string>>()
  const writtenBy = (server: RealtimeServer): Set<string> => {
    const own = written.get(server) ?? new Set()
    written.set(server, own)
    return own
  }
  return {
    name: 'tells only what its own clients write',
    store: (store, hub) =>
      onMutate(store, (mutation, context) => {
        if (context.mutationId !== undefined) writtenBy(hub()).add(context.mutationId)
        return store.mutate(mutation, context)
      }),
    sink: (sink, server) => ({
      publish(transaction) {
        const isOwn = ({ mutationId }: Change): boolean =>
          mutationId === null || writtenBy(server).has(mutationId)
        return transaction.every(isOwn) ? sink.publish(transaction) : undefined
      },
      skipTo: (gap) => sink.skipTo?.(gap),
    }),
  }
}

/** Frames that ask to subscribe wait, those that unsubscribe do not, and overtake them. */
function letsUnsubscribesOvertake(): PlantedBug {
  return {
    name: 'lets an unsubscribe overtake the subscribe before it',
    server: onConnect((events) => {
      let waiting: string | null = null
      const goOn = (): void => {
        const text = waiting
        waiting = null
        if (text !== null) events.message(text)
      }
      return {
        message(text) {
          const overtakes = text.includes('"type":"unsubscribe"')
          if (!overtakes) goOn()
          if (text.includes('"type":"subscribe"')) waiting = text
          else events.message(text)
          if (overtakes) goOn()
        },
        binary: () => events.binary(),
        pong: () => events.pong(),
        closed: (code, reason) => events.closed(code, reason),
      }
    }),
  }
}

/** Who compares rows by two rights asks for so many changes at once, who resumes for fewer. */
const CHANGES_OF_A_DIFFERENCE = 512

/** A rule that throws is a no, and there is an end of it. */
function catching(ask: () => boolean): boolean {
  try {
    return ask()
  } catch {
    return false
  }
}

/** While a deletion is handed out, everybody passes for somebody who saw the row. */
function tellsEverybodyOfDeletions(): PlantedBug {
  const deleting = new Set<string>()
  return {
    name: 'tells everybody of a deletion',
    rule: ({ sees, ...others }) => ({ ...others, sees: (row) => deleting.has(row.id) || sees(row) }),
    sink: (sink) => ({
      skipTo: (gap) => sink.skipTo?.(gap),
      async publish(transaction) {
        for (const { id, operation } of transaction) if (operation === 'deleted') deleting.add(id)
        try {
          await sink.publish(transaction)
        } finally {
          deleting.clear()
        }
      },
    }),
  }
}

/** Answers resumes, snapshots and writes with the rights that somebody had when they came first. */
function remembersFirstRights(): PlantedBug {
  const first = new Map<string, StandingRule>()
  return {
    name: 'replays with the rights of before',
    rule(rule, user, entity) {
      const { sees } = first.get(`${entity} ${user}`) ?? rule
      first.set(`${entity} ${user}`, { ...rule, sees })
      return { ...rule, sees }
    },
    sink(sink) {
      first.clear()
      return sink
    },
  }
}

interface SnapshotFrame {
  readonly type: string
  readonly channel?: string
  readonly subscription?: string
  readonly payload?: { readonly more?: boolean; readonly snapshot?: { readonly more: boolean } }
}

/** Events between two parts of a snapshot come after the last. */
function endsSnapshotsFirst(): (text: string) => readonly string[] {
  const heldByKey = new Map<string, string[]>()
  return (text) => {
    const { type, channel, subscription, payload } = JSON.parse(text) as SnapshotFrame
    const key = `${channel} ${subscription}`
    const held = heldByKey.get(key) ?? []
    if (type.startsWith('entity:') && heldByKey.has(key)) {
      held.push(text)
      return []
    }
    if (type !== 'snapshot' && type !== 'subscribed') return [text]
    heldByKey.delete(key)
    if ((payload?.snapshot ?? payload)?.more !== true) return [text, ...held]
    heldByKey.set(key, held)
    return [text]
  }
}

/** A row that comes into sight is sent as it was committed. */
function forgetsRedactionOnEntering(): PlantedBug {
  const rows = new Map<string, object>()
  return {
    name: 'forgets the redaction of what enters',
    sink: onPublish((transaction) => {
      for (const { id, after } of transaction) if (after !== null) rows.set(id, after)
      return transaction
    }),
    socket: onSend((text) => {
      const frame = JSON.parse(text) as { reason?: string; type: string; payload: { id: string } }
      if (frame.type !== 'entity:created' || frame.reason !== 'entered') return text
      return JSON.stringify({ ...frame, payload: rows.get(frame.payload.id) ?? frame.payload })
    }),
  }
}
