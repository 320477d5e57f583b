// What became of each write that was asked for, against the log. Holds one entry a mutation id.
import type { Change } from '@dnr/protocol'
import type { CommittedLog } from './committed-log.ts'
import { InvariantViolation } from './violation.ts'

/** `unknown`: it was given up, and may be stored or not. */
export type MutationOutcome = 'acknowledged' | 'refused' | 'unknown'

export interface MutationChecker {
  asked(mutationId: string, who: string): void
  /**
   * It settled.
   *
   * @throws InvariantViolation S10 when it had settled before, S4 when the log says otherwise, S5 when its author has asked in another
   * order for what is acknowledged of the row
   */
  settled(mutationId: string, outcome: MutationOutcome): void
  /** @throws InvariantViolation S6 when a mutation id is there twice */
  committed(changes: readonly Change[]): void
  /** Everything asked for is settled, and the log agrees. @throws InvariantViolation S10, S4 */
  atRest(): void
}

interface Asked {
  readonly who: string
  /** Its place among all that were asked for. */
  readonly place: number
  outcome: MutationOutcome | null
}

export function createMutationChecker(log: CommittedLog): MutationChecker {
  const asked = new Map<string, Asked>()
  /** Acknowledged mutations of one author and one row. */
  const acknowledged = new Map<string, string[]>()

  const check = (mutationId: string, { who, outcome }: Asked): void => {
    const isThere = log.ofMutation(mutationId).length > 0
    if (outcome === 'acknowledged' && !isThere && !log.wasTakenBack(mutationId))
      throw new InvariantViolation('S4', {
        who,
        what: `mutation ${mutationId} was acknowledged and is not in the log`,
      })
    if (outcome === 'refused' && isThere)
      throw new InvariantViolation('S4', {
        who,
        what: `mutation ${mutationId} was refused and is in the log`,
        position: log.ofMutation(mutationId)[0]?.position,
      })
  }

  const checkOrder = (mutationId: string, { who, place }: Asked): void => {
    for (const { entity, id, position } of log.ofMutation(mutationId)) {
      const key = JSON.stringify([who, entity, id])
      const others = acknowledged.get(key) ?? []
      for (const other of others) {
        const stored = log.ofMutation(other).find((change) => change.entity === entity && change.id === id)
        if (stored === undefined) continue
        const isAskedLater = place > (asked.get(other)?.place ?? place)
        if (isAskedLater === position.offset > stored.position.offset) continue
        throw new InvariantViolation('S5', {
          who,
          what: `mutations ${other} and ${mutationId} of ${entity} ${id} are in the log in another order than they were asked for`,
          position,
        })
      }
      acknowledged.set(key, [...others, mutationId])
    }
  }

  return {
    asked: (mutationId, who) => void asked.set(mutationId, { who, place: asked.size, outcome: null }),
    settled(mutationId, outcome) {
      const mutation = asked.get(mutationId)
      if (mutation === undefined) return
      const { who } = mutation
      if (mutation.outcome !== null)
        throw new InvariantViolation('S10', {
          who,
          what: `mutation ${mutationId} settled twice`,
          expected: mutation.outcome,
          actual: outcome,
        })
      mutation.outcome = outcome
      check(mutationId, mutation)
      if (outcome === 'acknowledged') checkOrder(mutationId, mutation)
    },
    committed(changes) {
      for (const { mutationId, position } of changes) {
        if (mutationId === null || log.ofMutation(mutationId).length <= 1) continue
        throw new InvariantViolation('S6', {
          who: asked.get(mutationId)?.who ?? 'the log',
          what: `mutation ${mutationId} is in the log twice`,
          position,
        })
      }
    },
    atRest() {
      for (const [mutationId, mutation] of asked) {
        if (mutation.outcome === null)
          throw new InvariantViolation('S10', {
            who: mutation.who,
            what: `mutation ${mutationId} never settled`,
          })
        check(mutationId, mutation)
      }
    },
  }
}
