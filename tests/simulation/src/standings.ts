// Who may see what, as an application would have it in tables. Holds memberships; the policies of a program are made of them,
// in the four ways in which applications write them.
import type { WireRow } from '@dnr/protocol'
import type { Rights } from '@dnr/testing'
import { boardOf, roomOf, userChannelOf } from './channels.ts'
import type { EntityName } from './entities.ts'
import { ENTITY_NAMES, TEAMS } from './entities.ts'

/** Readers see notes without their secret, outsiders no notes at all; admins see every row of every team. */
export type Role = 'member' | 'reader' | 'outsider' | 'admin'
export const ROLES: readonly Role[] = ['member', 'reader', 'outsider', 'admin']

/** How the policies of a program are written. */
export interface PolicyStyle {
  /** Are memberships read when the rule is made, or each time that it is asked about a row? */
  readonly reads: 'when made' | 'when asked'
  /** Do all whose rights are equal share a key, or has each user a rule of their own? */
  readonly keys: 'shared' | 'own'
  /** Is a rule answered in the same breath, or looked up first? Then the answer is that of when it was asked. */
  readonly answers: 'at once' | 'later'
}

/** A rule as it is handed to the server: rights whose `sees` may say something else tomorrow. */
export interface StandingRule {
  readonly key: string | undefined
  sees(row: WireRow): boolean
  readonly fields: readonly string[] | undefined
}

export interface Standings {
  setTeam(user: string, team: string, role: Role): void
  /** From now on, or no longer, the team sees the rows of all teams. */
  setOpen(team: string, isOpen: boolean): void
  usersOf(team: string): readonly string[]
  has(user: string): boolean
  /** How often something has changed. */
  readonly changes: number
  /** What is right at this moment, for the checker. */
  rightsOf(user: string, entity: string): Rights | null
  /** What the server is given; `true`: everything, for good. */
  ruleOf(user: string, entity: string, style: PolicyStyle): StandingRule | true | null
  /** What the user would see in a team and role. */
  rightsIn(team: string, role: Role, entity: string): Rights | null
  /** May the user hear a channel without rows at this moment? Those of a team are for its members and readers. */
  hears(user: string, channel: string): boolean
}

interface Standing {
  readonly team: string
  readonly role: Role
}

const READER_FIELDS = ['text', 'team']
/** Of who sees every row. */
export const EVERYTHING: Rights = { key: '*', sees: () => true }

export function createStandings(): Standings {
  const byUser = new Map<string, Standing>()
  const openTeams = new Set<string>()
  let changes = 0
  const standingOf = (user: string): Standing => byUser.get(user) ?? { team: 'red', role: 'member' }
  const visibleTo = (team: string): readonly string[] => (openTeams.has(team) ? TEAMS : [team])
  const fieldsOf = (role: Role, entity: string): readonly string[] | undefined =>
    entity === 'Note' && role === 'reader' ? READER_FIELDS : undefined
  const isDenied = (role: Role, entity: string): boolean => entity === 'Note' && role === 'outsider'
  const nameOf = (role: Role, entity: string): string => (fieldsOf(role, entity) ? 'reader' : 'all')

  const rightsIn = (teams: readonly string[], role: Role, entity: string): Rights | null => {
    if (isDenied(role, entity)) return null
    if (role === 'admin') return EVERYTHING
    const fields = fieldsOf(role, entity)
    const sees = (row: WireRow): boolean => teams.includes(String(row['team']))
    return { key: `${teams.join('+')}/${nameOf(role, entity)}`, sees, ...(fields && { fields }) }
  }

  return {
    setTeam(user, team, role) {
      changes++
      byUser.set(user, { team, role })
    },
    setOpen(team, isOpen) {
      changes++
      if (isOpen) openTeams.add(team)
      else openTeams.delete(team)
    },
    get changes() {
      return changes
    },
    usersOf: (team) => [...byUser.keys()].filter((user) => standingOf(user).team === team),
    has: (user) => byUser.has(user),
    rightsOf(user, entity) {
      const { team, role } = standingOf(user)
      return rightsIn(visibleTo(team), role, entity)
    },
    rightsIn: (team, role, entity) => rightsIn(visibleTo(team), role, entity),
    ruleOf(user, entity, { reads, keys }) {
      const { team, role } = standingOf(user)
      if (isDenied(role, entity)) return null
      if (role === 'admin') return true
      const fields = fieldsOf(role, entity)
      const teams = visibleTo(team)
      // A shared key stands for a team: its members have what the team has.
      const teamNow = (): string => (keys === 'own' ? standingOf(user).team : team)
      const sees = (row: WireRow): boolean =>
        (reads === 'when made' ? teams : visibleTo(teamNow())).includes(String(row['team']))
      const name = reads === 'when made' ? teams.join('+') : team
      return { key: keys === 'own' ? undefined : `${name}/${nameOf(role, entity)}`, sees, fields }
    },
    hears(user, channel) {
      const { team, role } = standingOf(user)
      if (role === 'outsider') return false
      if (channel === userChannelOf(user)) return true
      return visibleTo(team).some((each) => channel === boardOf(each) || channel === roomOf(each))
    },
  }
}

/** The keys of everybody's rules; a rule that is `true` has none. */
export function keysOf(standings: Standings, users: readonly string[], style: PolicyStyle): Set<string> {
  const rules = users.flatMap((user) =>
    ENTITY_NAMES.map((entity: EntityName) => standings.ruleOf(user, entity, style)),
  )
  const keys = rules.map((rule) => (rule === true ? undefined : rule?.key))
  return new Set(keys.filter((key) => key !== undefined))
}
