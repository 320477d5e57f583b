// A small run in which everything went well, for tests that break it in one place.
import type {
  Evidence,
  HeardEvent,
  LoggedChange,
  Row,
  Stream,
  View,
  WriteRecord,
} from '../../src/checks/evidence.ts'

const epoch = 'e1'
export const red: View = { name: 'red', team: 'red' }

export function row(id: string, version: number, fields: Readonly<Record<string, unknown>> = {}): Row {
  return { id, version, team: 'red', title: `${id} ${version}`, ...fields }
}

const [a1, a2, b1, b2] = [row('a', 1), row('a', 2), row('b', 1), row('b', 2)]
const away = row('a', 3, { team: 'blue' })

/** a is made, changed together with b, and handed to the blue team; c was made and deleted. */
export const log: readonly LoggedChange[] = [
  change(1, 1, 'created', null, a1, 'k1'),
  change(2, 2, 'created', null, b1, 'k2'),
  change(3, 3, 'updated', a1, a2, 'k3'),
  change(4, 3, 'updated', b1, b2, 'k4'),
  change(5, 5, 'updated', a2, away, 'k5'),
  change(6, 6, 'created', null, row('c', 1), 'k6'),
  change(7, 7, 'deleted', row('c', 1), null, 'k7'),
]
const table = [away, b2]

export const heard: readonly HeardEvent[] = [
  { type: 'entity:created', payload: a1, position: { epoch, offset: 1 } },
  { type: 'entity:created', payload: b1, position: { epoch, offset: 2 } },
  { type: 'entity:updated', payload: a2, position: { epoch, offset: 3 }, more: true },
  { type: 'entity:updated', payload: b2, position: { epoch, offset: 4 } },
  { type: 'entity:deleted', payload: { id: 'a' }, position: { epoch, offset: 5 }, reason: 'left' },
  { type: 'entity:created', payload: row('c', 1), position: { epoch, offset: 6 } },
  { type: 'entity:deleted', payload: { id: 'c', version: 2 }, position: { epoch, offset: 7 } },
]

/** One connection from the beginning, with these events. */
export function stream(events: readonly HeardEvent[]): Stream {
  return { view: red, journal: [asked(null), subscribed(0, false), ...events.map(event)] }
}

export function asked(offset: number | null) {
  return { kind: 'asked', position: offset === null ? null : { epoch, offset } } as const
}

/** The first time long before anything was written, later long after. */
export function subscribed(offset: number, recovered: boolean) {
  const [rows, at] = recovered ? [null, 10_000] : [[], -10_000]
  return { kind: 'subscribed', position: { epoch, offset }, recovered, rows, at } as const
}

export function event(heardEvent: HeardEvent) {
  return { kind: 'event', event: heardEvent } as const
}

export const lost = { kind: 'lost' } as const

const operations = log.map(({ operation, id }) => ({ operation, id }))
export const writes: readonly WriteRecord[] = [
  ...operations.map(({ operation, id }, index) => ({
    writer: 'ann',
    key: `k${index + 1}`,
    operation,
    id,
    requests: 1,
    answers: [{ ok: true, offset: index + 1, version: null } as const],
  })),
  { ...refused('k8'), requests: 1 },
  { ...refused('k9'), requests: 1, answers: [] },
]

export function refused(key: string): WriteRecord {
  const answers = [{ ok: false, code: 'bad_field', askedAt: 50 } as const]
  return { writer: 'ann', key, operation: 'updated', id: 'a', requests: 1, answers }
}

export const goodRun: Evidence = {
  log,
  rows: table,
  writes,
  streams: [stream(heard)],
  collections: [{ view: red, orderBy: [], rows: [b2], tears: [] }],
}

function change(
  offset: number,
  transaction: number,
  operation: LoggedChange['operation'],
  before: Row | null,
  after: Row | null,
  mutationId: string,
): LoggedChange {
  const version = after?.version ?? (before?.version ?? 0) + 1
  const id = (after ?? before)?.id ?? ''
  return { offset, transaction, id, operation, version, before, after, mutationId, actor: 'ann', at: offset }
}
