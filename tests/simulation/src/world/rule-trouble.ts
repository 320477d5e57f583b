// Policies of the server that fail for a while: `sees` throws about some rows, or the rule itself rejects or never answers, as when
// the roles are in a database of their own. Holds what is wrong now; it outlives the server, like that database.
import type { RareEdge } from '../coverage.ts'
import type { StandingRule } from '../standings.ts'

/** `hangs`: until the server's deadline. */
export type LookupTrouble = 'rejects' | 'hangs'

export interface RuleTrouble {
  /** Ids of the rows that rules throw about. */
  failing: ReadonlySet<string>
  lookup: LookupTrouble | 'none'
  heal(): void
  /** The rule as the server gets it. */
  troubled(rule: StandingRule): StandingRule
  /** Its look-up. */
  look<Rule>(rule: Rule): Rule | Promise<Rule>
}

export function createRuleTrouble(count: (edge: RareEdge) => void): RuleTrouble {
  const trouble: RuleTrouble = {
    failing: new Set(),
    lookup: 'none',
    heal() {
      trouble.failing = new Set()
      trouble.lookup = 'none'
    },
    troubled: ({ sees, ...others }) => ({
      ...others,
      sees(row) {
        if (!trouble.failing.has(row.id)) return sees(row)
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
