import { DnrError } from './dnr-error.ts'

/** The part of a zod field that DNR uses. */
export interface FieldSchema {
  safeParse(value: unknown): SchemaResult<unknown>
  readonly _zod: {
    readonly output: unknown
    readonly input: unknown
    readonly def: { readonly type: string }
  }
}

/** What a zod schema's `safeParse` answers, as far as DNR reads it. */
export type SchemaResult<T> =
  | { readonly success: true; readonly data: T }
  | { readonly success: false; readonly error: { readonly issues: readonly SchemaIssue[] } }

/** One complaint of a schema. */
export interface SchemaIssue {
  readonly path: readonly PropertyKey[]
  readonly message: string
}

/** A zod 4 object schema, by shape: any `z.object({ id: z.string(), … })` fits, no zod is imported for it. */
export interface RowSchema<Row = unknown, Input = unknown> {
  readonly shape: Readonly<Record<string, FieldSchema>>
  safeParse(value: unknown): SchemaResult<Row>
  readonly _zod: { readonly output: Row; readonly input: Input; readonly def: { readonly type: 'object' } }
}

/** What every stored row has beside its own fields. */
export interface Versioned {
  /** Counts the row's changes from 1. */
  readonly version: number
}

/** Fields every row must have. */
export interface RowBase {
  readonly id: string
}

/**
 * A kind of row: its name and the schema of its fields. Made once, used on both ends.
 *
 * `Row` is what is stored and read; `Input` is what a writer may give (fields with defaults are optional).
 */
export interface Entity<Name extends string = string, Row extends RowBase = RowBase, Input = unknown> {
  readonly name: Name
  readonly schema: RowSchema<Row, Input>
}

// oxlint-disable-next-line typescript/no-explicit-any -- the only way to say "some entity" for a type that is read and written
export type AnyEntity = Entity<string, any, any>

/** The row of an entity as it is stored and sent: its fields and its `version`. */
export type RowOf<E extends AnyEntity> = E extends Entity<string, infer Row> ? Row & Versioned : never

/** What a writer gives to create a row: the schema's input, with `id` optional (made by the server when absent). */
export type CreateInput<E extends AnyEntity> =
  E extends Entity<string, RowBase, infer Input> ? Omit<Input, 'id'> & { readonly id?: string } : never

/** What a writer gives to change a row: any of its fields but `id`. */
export type UpdateInput<E extends AnyEntity> =
  E extends Entity<string, infer Row> ? Partial<Omit<Row, 'id'>> : never

/** Entities by name, as the browser's types take them: `createRealtimeClient<{ Task: typeof Task }>(…)`. */
export type EntityMap = Readonly<Record<string, AnyEntity>>

const ENTITY_NAME = /^[A-Za-z][A-Za-z0-9_]{0,63}$/

/** Can `text` name an entity? A letter, then up to 63 letters, digits or underscores. */
export function isEntityName(text: string): boolean {
  return ENTITY_NAME.test(text)
}

/**
 * Names a kind of row and gives it a schema.
 *
 * The schema is a plain `z.object` whose `id` is a string; `version` is added by DNR and may not be a field of it.
 * Field names are letters, digits and underscores, because they become columns.
 *
 * @throws DnrError `bad_entity` when the name, the schema or a field cannot be used.
 * @example
 * export const Task = defineEntity('Task', z.object({ id: z.string(), title: z.string().min(1), done: z.boolean().default(false) }))
 */
export function defineEntity<const Name extends string, Row extends RowBase, Input>(
  name: Name,
  schema: RowSchema<Row, Input>,
): Entity<Name, Row, Input> {
  if (!isEntityName(name)) {
    throw new DnrError(
      'bad_entity',
      `"${name}" cannot name an entity: use a letter, then up to 63 letters, digits or underscores.`,
    )
  }
  if (schema?._zod?.def?.type !== 'object') {
    throw new DnrError(
      'bad_entity',
      `The schema of ${name} must be a zod object, such as z.object({ id: z.string() }).`,
    )
  }
  for (const field of Object.keys(schema.shape)) {
    if (!ENTITY_NAME.test(field)) {
      throw new DnrError(
        'bad_entity',
        `${name}.${field} cannot be a column: use a letter, then up to 63 letters, digits or underscores.`,
      )
    }
  }
  if (!Object.hasOwn(schema.shape, 'id'))
    throw new DnrError('bad_entity', `The schema of ${name} has no id: add id: z.string().`)
  if (Object.hasOwn(schema.shape, 'version')) {
    throw new DnrError('bad_entity', `${name}.version is kept by DNR: rename the field or leave it out.`)
  }
  return Object.freeze({ name, schema })
}
