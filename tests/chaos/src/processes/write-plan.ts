// What a writer writes: seeded, a mix of everything that the board allows, and of what it refuses.
import type { Row, WriteRecord } from '../checks/evidence.ts'
import type { Asked, Reply } from './ask.ts'

export interface PlannedWrite {
  readonly key: string
  readonly operation: WriteRecord['operation']
  readonly id: string
  readonly request: Pick<Asked, 'method' | 'path' | 'body'>
  readonly headers?: Readonly<Record<string, string>>
}

export interface WritePlan {
  next(): PlannedWrite
  settled(write: PlannedWrite, reply: Reply | null): void
}

export interface WritePlanOptions {
  readonly userId: string
  readonly team: string
  /** Rows that everybody writes. */
  readonly sharedIds: readonly string[]
  readonly random: () => number
}

const MAX_ROWS = 40
const STATUSES = ['todo', 'doing', 'done']

/** Knows its own rows as far as it was told; what it does not know for sure it may ask for all the same. */
export function createWritePlan({ userId, team, sharedIds, random }: WritePlanOptions): WritePlan {
  const own = new Map<string, { version: number | null }>()
  const deleted: string[] = []
  let count = 0

  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item
  const number = (): number => Math.floor(random() * 1_000)
  const key = (): string => `${userId}-${++count}`
  const create = (id: string): PlannedWrite => {
    const fields = { id, title: `${id} by ${userId}`, rank: number(), status: pick(STATUSES) }
    // The admin's rows belong to a team, too.
    const body = team === 'admin' ? { ...fields, team: pick(['red', 'blue']) } : fields
    return { key: key(), operation: 'created', id, request: { method: 'POST', path: '/api/Task', body } }
  }
  const update = (id: string, body: object, headers?: PlannedWrite['headers']): PlannedWrite => ({
    key: key(),
    operation: 'updated',
    id,
    request: { method: 'PATCH', path: `/api/Task/${id}`, body },
    ...(headers && { headers }),
  })
  const remove = (id: string): PlannedWrite => ({
    key: key(),
    operation: 'deleted',
    id,
    request: { method: 'DELETE', path: `/api/Task/${id}` },
  })
  const target = (): string => (random() < 0.35 ? pick(sharedIds) : pick([...own.keys()]))
  const change = (): object =>
    pick([{ rank: number() }, { status: pick(STATUSES) }, { title: `${userId} ${count}` }])

  /** What has to be refused, and to leave no trace. */
  const refusable = (): PlannedWrite =>
    pick([
      () => create(pick(sharedIds)),
      () => update(target(), { status: 'nowhere' }),
      () => update(target(), { createdAt: 1 }),
      () => update(target(), { rank: number() }, { 'if-match': '"999999"' }),
      () => update(`nothing-${userId}`, { rank: number() }),
    ])()

  return {
    next() {
      const dice = random()
      if (own.size === 0 || (dice < 0.25 && own.size < MAX_ROWS)) {
        const isAgain = deleted.length > 0 && random() < 0.3
        return create(isAgain ? (deleted.pop() as string) : `${userId}-row-${count}`)
      }
      if (dice < 0.33) return remove(pick([...own.keys()]))
      if (dice < 0.43) return update(target(), { team: pick(['red', 'blue']) })
      if (dice < 0.53) return refusable()
      const id = target()
      const version = own.get(id)?.version
      const isConditional = typeof version === 'number' && random() < 0.2
      return update(id, change(), isConditional ? { 'if-match': `"${version}"` } : undefined)
    },
    settled({ operation, id }, reply) {
      if (operation === 'deleted') {
        own.delete(id)
        if (reply?.status === 204) deleted.push(id)
      } else if (operation === 'created') {
        if (!sharedIds.includes(id)) own.set(id, { version: reply === null ? null : versionOf(reply) })
      } else if (own.has(id) && reply !== null) {
        // A row that was handed to another team is out of its reach.
        if (reply.status === 404 || (reply.status === 204 && team !== 'admin')) own.delete(id)
        else if (reply.status < 300) own.set(id, { version: versionOf(reply) })
      }
    },
  }
}

function versionOf({ body }: Reply): number | null {
  return (body as Partial<Row>).version ?? null
}
