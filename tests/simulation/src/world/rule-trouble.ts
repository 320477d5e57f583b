// Policies of the server that fail for a while: `sees` throws about some rows, or the rule itself rejects or never answers, as when
// the roles are in a database of their own; or that know already what the application has still to say. Holds what is so now; it
// outlives the server, like that database.
import type { RareEdge } from '../coverage.ts'
import type { WireRow } from '@dnr/protocol'
import type { StandingRule } from '../standings.ts'

/** `hangs`: until the server's deadline. */
export type LookupTrouble = 'rejects' | 'hangs'

export interface RuleTrouble {
  /** Ids of the rows that rules throw about. */
  failing: ReadonlySet<string>
  lookup: LookupTrouble | 'none'
  /** By user: what they will still see of an entity when the application has said that their rights are others. */
  readonly leaving: Map<string, (entity: string, row: WireRow) => boolean>
  heal(): void
  /** The rule as the server gets it. */
  troubled(rule: StandingRule, user: string, entity: string): StandingRule
  /** Its look-up. */
  look<Rule>(rule: Rule): Rule | Promise<Rule>
}

export function createRuleTrouble(count: (edge: RareEdge) => void): RuleTrouble {
  const trouble: RuleTrouble = {
    failing: new Set(),
    lookup: 'none',
    leaving: new Map(),
    heal() {
      trouble.failing = new Set()
      trouble.lookup = 'none'
    },
    troubled: ({ sees, ...others }, user, entity) => ({
      ...others,
      sees(row) {
        if (!trouble.failing.has(row.id))
          return sees(row) && trouble.leaving.get(user)?.(entity, row) !== false
        count('rule failed on a row')
        throw new Error('The simulation lets this rule fail.')
      },
    }),
    look(rule) {
      if (trouble.lookup === 'none') return rule
      count('rule not looked up')
      if (trouble.lookup === 'hangs') return new Promise(() => {})
      return Promise.reject(new Error('The simulation lets this look-up fail.'))
    },
  }
  return trouble
}
