// What can happen in a program, as data: a program can be printed, shortened and run again.
import type { Activity, AnyWhere } from '@dnr/protocol'
import type { LinkFault, Weather } from '@dnr/testing'
import type { RowChannel, TalkChannel } from '../channels.ts'
import type { EntityName } from '../entities.ts'
import type { LookupTrouble } from '../world/rule-trouble.ts'
import type { PolicyStyle, Role } from '../standings.ts'

/** A write of the server's own. */
export interface ServerWrite {
  readonly operation: 'create' | 'update' | 'delete'
  readonly entity: EntityName
  readonly id: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** What a user does. */
export type ClientAction =
  | {
      readonly do: 'open'
      readonly slot: number
      readonly entity: EntityName
      readonly where: AnyWhere
      readonly limit?: number
    }
  | { readonly do: 'close'; readonly slot: number }
  | { readonly do: 'listen' | 'unlisten'; readonly entity: EntityName; readonly id: string }
  | {
      readonly do: 'create' | 'update'
      readonly entity: EntityName
      readonly id: string
      readonly fields: Readonly<Record<string, unknown>>
      readonly ifVersion?: boolean
    }
  | { readonly do: 'delete'; readonly entity: EntityName; readonly id: string }
  | { readonly do: 'disconnect' | 'connect' | 'wake' | 'reload' | 'twin' }
  | BareAction

/** Subscriptions past the client, which would not ask so often: each with a `requestId` of its own. */
export type BareAction = { readonly channel: RowChannel; readonly subscription: string } & (
  | { readonly do: 'bare-subscribe'; readonly snapshot: boolean }
  | { readonly do: 'bare-unsubscribe' }
)

/** What a user does where people are: at the board of a team, theirs or not, and in rooms. */
export type PeopleAction =
  | { readonly do: 'join' | 'point'; readonly team: string; readonly card: string }
  /** A join without a subscription, as a client that is not ours may send it. */
  | { readonly do: 'bare-join'; readonly team: string; readonly card: string }
  | { readonly do: 'watch' | 'leave' | 'bare-leave'; readonly team: string }
  | { readonly do: 'beat'; readonly team: string; readonly state: Activity }
  | { readonly do: 'hear' | 'unhear'; readonly channel: TalkChannel }
  | { readonly do: 'talk'; readonly channel: TalkChannel; readonly text: string }

/** A request over HTTP. */
export interface HttpAction {
  readonly do: 'http'
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  readonly entity: EntityName
  /** @default all rows */
  readonly id?: string
  readonly query?: Readonly<Record<string, string>>
  readonly fields?: Readonly<Record<string, unknown>>
  /** The version that is asked for in `If-Match`. */
  readonly ifVersion?: number
}

/** What goes wrong, by kind; a program has some of them. */
export type Fault =
  | { readonly do: 'link'; readonly client: number; readonly fault: LinkFault; readonly forMs: number }
  | { readonly do: 'cut-inside'; readonly client: number }
  | { readonly do: 'refuse'; readonly client: number; readonly forMs: number }
  | { readonly do: 'weather'; readonly weather: Weather; readonly forMs: number }
  | { readonly do: 'suspend'; readonly client: number; readonly forMs: number }
  | { readonly do: 'slow'; readonly client: number; readonly forMs: number }
  | { readonly do: 'crash'; readonly downMs: number }
  | {
      readonly do: 'crash-at'
      readonly statement: number
      readonly executed: boolean
      readonly downMs: number
    }
  | { readonly do: 'restart'; readonly downMs: number }
  | { readonly do: 'trim'; readonly keep: number }
  /** A program beside the server writes, trims and writes again. */
  | {
      readonly do: 'program'
      readonly writes: readonly ServerWrite[]
      readonly keep: number
      readonly writesAfter: readonly ServerWrite[]
    }
  | { readonly do: 'backup' }
  | { readonly do: 'restore'; readonly downMs: number }
  | { readonly do: 'busy' | 'full'; readonly forMs: number }
  | { readonly do: 'sink'; readonly fails: number; readonly repeats: boolean }
  /** `saidAfterMs`: rules hide what is lost already, and the application says so later. */
  | {
      readonly do: 'team'
      readonly client: number
      readonly team: string
      readonly role: Role
      readonly scope: RightsScopeKind
      readonly saidAfterMs?: number
    }
  | {
      readonly do: 'open-team'
      readonly team: string
      readonly isOpen: boolean
      readonly scope: RightsScopeKind
    }
  | { readonly do: 'clock'; readonly jumpMs: number }
  /** Rules throw about these rows. */
  | { readonly do: 'rule'; readonly ids: readonly string[]; readonly forMs: number }
  /** Rules cannot be looked up. */
  | { readonly do: 'lookup'; readonly trouble: LookupTrouble; readonly forMs: number }

export type FaultKind = Fault['do']

/** By what the application names those whose rights have changed. */
export type RightsScopeKind = 'userId' | 'key' | 'channel'

/** What the server's own code does. */
export type ServerAction =
  | { readonly do: 'write'; readonly write: ServerWrite }
  | {
      readonly do: 'transaction'
      readonly writes: readonly ServerWrite[]
      readonly pauseMs: number
      readonly fails: boolean
    }
  | { readonly do: 'bulk'; readonly bulk: BulkWrite }
  | { readonly do: 'announce'; readonly channel: TalkChannel; readonly text: string }

/** Many rows in one transaction. */
export type BulkWrite = { readonly entity: EntityName } & (
  | { readonly operation: 'createMany'; readonly rows: readonly Readonly<Record<string, unknown>>[] }
  | {
      readonly operation: 'updateMany'
      readonly where: AnyWhere
      readonly fields: Readonly<Record<string, unknown>>
    }
  | { readonly operation: 'deleteMany'; readonly where: AnyWhere }
)

export type Action =
  | ({ readonly client: number } & (ClientAction | PeopleAction | HttpAction))
  | ServerAction
  | Fault

/** An action and the moment, milliseconds of virtual time. */
export type Operation = { readonly at: number } & Action

export type PeopleOperation = Extract<Operation, PeopleAction>

const PEOPLE_ACTIONS: Readonly<Record<PeopleAction['do'], true>> = {
  join: true,
  'bare-join': true,
  point: true,
  watch: true,
  beat: true,
  leave: true,
  'bare-leave': true,
  hear: true,
  unhear: true,
  talk: true,
}

export function isOfPeople(operation: Operation): operation is PeopleOperation {
  return Object.hasOwn(PEOPLE_ACTIONS, operation.do)
}

export interface Program {
  readonly seed: number
  readonly clients: number
  /** Processes that serve the same database, behind one address. Presence and words are those of one process: with several nobody uses them. */
  readonly servers: 1 | 2
  readonly latencyMs: readonly [number, number]
  /** Sizes of pages and chunks that the server reads: small ones make more seams. */
  readonly pageChanges: number
  /** A transaction of more changes passes the server in parts. */
  readonly maxWholeChanges: number
  readonly chunkRows: number
  readonly windowBytes: number
  readonly maxQueueBytes: number
  /** `null`: every change is told by itself. */
  readonly maxChannelChangesPerSecond: number | null
  /** How long the store takes for a read: of rows that are asked for, and of each chunk of a snapshot. */
  readonly readMs: number
  /** How long the server works between two looks at the time: one that is busy lets those who subscribe wait for their turn. */
  readonly workMs: number
  readonly policy: PolicyStyle
  readonly operations: readonly Operation[]
}

export const FAULT_KINDS: readonly FaultKind[] = [
  'link',
  'cut-inside',
  'refuse',
  'weather',
  'suspend',
  'slow',
  'crash',
  'crash-at',
  'restart',
  'trim',
  'backup',
  'restore',
  'busy',
  'full',
  'sink',
  'team',
  'open-team',
  'clock',
]

/** Drawn for themselves, since after them less can be said of what is sent: most programs have none. */
export const RULE_FAULTS: readonly FaultKind[] = ['rule', 'lookup']

/** Drawn for itself, too: most servers are alone with their database. */
export const PROGRAM_FAULTS: readonly FaultKind[] = ['program']

/** One line that says what happens. */
export function describeOperation(operation: Operation): string {
  const { at, do: action, ...details } = operation
  return `${String(at).padStart(7)} ms  ${action} ${JSON.stringify(details)}`
}
