import type { AnyEntity, Principal, RowOf } from '@dnr/protocol'

/** Names of a row's fields. */
export type FieldOf<Row> = keyof Row & string

/**
 * What a principal may do with the rows of one entity: everything (`true`), nothing (`false`, `null`, `undefined`), or
 * what a {@link RowRule} says.
 */
export type Rule<Row = never> = boolean | null | undefined | RowRule<Row>

/** Which rows a principal sees, which of their fields, and what they may write. What is absent is denied. */
export interface RowRule<Row> {
  /**
   * Names everybody whose rule decides alike: principals with an equal key share each decision and each encoded event.
   * Two principals may have the same key only if `sees` and `fields` answer the same for both. A key that changes when
   * what they answer changes also tells who was away meanwhile; otherwise `invalidate` has to.
   * @default the principal as it is: shared by sessions of one user that are alike
   */
  readonly key?: string
  /**
   * May they see this row? Asked for the row before and after each change. Throwing hides the row, until the rule answers when it
   * is asked again, a second later or more.
   */
  sees(row: Row): boolean
  /** Fields they see, `id` and `version` always among them. @default all */
  readonly fields?: readonly FieldOf<Row>[]
  /** May they create this row, or with which fields? */
  readonly create?: boolean | readonly FieldOf<Row>[] | ((after: Row) => boolean | readonly FieldOf<Row>[])
  /** May they make this row that one, or by which fields? */
  readonly update?:
    | boolean
    | readonly FieldOf<Row>[]
    | ((before: Row, after: Row) => boolean | readonly FieldOf<Row>[])
  /** May they delete this row? */
  readonly delete?: boolean | ((before: Row) => boolean)
}

/** A rule may have to be looked up first. */
export type RuleOrPromise<Row> = Rule<Row> | Promise<Rule<Row>>

/** The rule of one entity, made by `allow`. */
export interface Allowance<P extends Principal = Principal> {
  readonly entity: AnyEntity
  // oxlint-disable-next-line typescript/no-explicit-any -- rules of different entities stand in one list
  readonly rule: (user: P | null) => RuleOrPromise<any>
}

/**
 * Gives principals rights to the rows of `entity`; `null` is a guest. Goes into {@link policies}.
 *
 * The rule is asked at each subscribe, request and write; its answer is kept while a subscription lives. If it throws, rejects
 * or is late, its principal is told `busy` and asks again.
 *
 * @example
 * allow(Task, (user: User | null) => user && { key: user.team, sees: (task) => task.team === user.team, update: true })
 */
export function allow<E extends AnyEntity, P extends Principal = Principal>(
  entity: E,
  rule: (user: P | null) => RuleOrPromise<RowOf<E>>,
): Allowance<P> {
  return { entity, rule }
}
