import type { ContenderDescription } from '../contenders/contender.ts'
import { type ContenderName, contenders } from '../contenders/contenders.ts'
import { recordContenders } from '../contenders/record-contenders.ts'
import { countRecordDeliveries } from './record-spread.ts'

/** Who hears a change, and who serves them. */
export interface Audience {
  readonly contenders: Readonly<Partial<Record<ContenderName, ContenderDescription>>>
  /** Of so many clients: how many messages `count` changes come to after the first `made`. */
  countDeliveries(clients: number): (made: number, count: number) => number
}

export const audiences = {
  /** Every change is one of the same row, and everybody hears it. */
  all: { contenders, countDeliveries: (clients) => (_made, count) => count * clients },
  /** Each client has some of many records. */
  records: { contenders: recordContenders, countDeliveries: countRecordDeliveries },
} as const satisfies Record<string, Audience>

export type AudienceName = keyof typeof audiences

/** How a contender serves an audience. */
export function contenderFor(audience: AudienceName, name: ContenderName): ContenderDescription {
  const own: Audience['contenders'] = audiences[audience].contenders
  const description = own[name]
  if (description === undefined) throw new Error(`${name} is not in the comparison of ${audience}`)
  return description
}
