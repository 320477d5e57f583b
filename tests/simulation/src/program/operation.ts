// What can happen in a program, as data: a program can be printed, shortened and run again.
import type { AnyWhere } from '@dnr/protocol'
import type { LinkFault, Weather } from '@dnr/testing'
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
  | { readonly do: 'backup' }
  | { readonly do: 'restore'; readonly downMs: number }
  | { readonly do: 'busy' | 'full'; readonly forMs: number }
  | { readonly do: 'sink'; readonly fails: number; readonly repeats: boolean }
  | {
      readonly do: 'team'
      readonly client: number
      readonly team: string
      readonly role: Role
      readonly scope: RightsScopeKind
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

export type Action = ({ readonly client: number } & ClientAction) | ServerAction | Fault

/** An action and the moment, milliseconds of virtual time. */
export type Operation = { readonly at: number } & Action

export interface Program {
  readonly seed: number
  readonly clients: number
  readonly latencyMs: readonly [number, number]
  /** Sizes of pages and chunks that the server reads: small ones make more seams. */
  readonly pageChanges: number
  readonly chunkRows: number
  readonly windowBytes: number
  readonly maxQueueBytes: number
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

/** One line that says what happens. */
export function describeOperation(operation: Operation): string {
  const { at, do: action, ...details } = operation
  return `${String(at).padStart(7)} ms  ${action} ${JSON.stringify(details)}`
}
