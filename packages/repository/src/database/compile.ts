import {
  type Compilable,
  DummyDriver,
  Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'

/** A statement compiled once: its SQL, and how named parameters become the list that SQLite binds. */
export interface CompiledStatement<Parameters extends object, Row> {
  readonly sql: string
  bind(parameters: Parameters): unknown[]
  /** Only a type: what a row of the answer looks like. */
  readonly row?: Row
}

/** Tables whose columns are known at run time alone. */
export type DynamicTables = Record<string, Record<string, unknown>>

/** Builds queries for SQLite and never runs them. */
export function createQueryBuilder<Tables>(): Kysely<Tables> {
  return new Kysely<Tables>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new SqliteIntrospector(db),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  })
}

const PARAMETER = Symbol('parameter')

/** Stands in a query for the parameter of this name. */
interface Placeholder {
  readonly [PARAMETER]: string
}

function isPlaceholder(value: unknown): value is Placeholder {
  return typeof value === 'object' && value !== null && PARAMETER in value
}

/** Marks where a parameter goes; its type is that of the column it meets. */
export type Parameter<Parameters> = <Name extends keyof Parameters & string>(name: Name) => Parameters[Name]

/**
 * Compiles a query once. `build` places `param('name')` where a value will stand at each run.
 *
 * @example
 * const byId = compileStatement<{ id: string }, TaskRow>((param) => db.selectFrom('Task').selectAll().where('id', '=', param('id')))
 */
export function compileStatement<Parameters extends object, Row>(
  build: (param: Parameter<Parameters>) => Compilable<Row>,
): CompiledStatement<Parameters, Row> {
  const param: Parameter<Parameters> = (name) => ({ [PARAMETER]: name }) as never
  const { sql, parameters } = build(param).compile()
  const slots = parameters.map((value) => (isPlaceholder(value) ? value[PARAMETER] : { constant: value }))
  return {
    sql,
    bind(given) {
      const values: unknown[] = []
      // Not with `map` and a closure: a write binds some thirty values.
      for (const slot of slots)
        values.push(typeof slot === 'string' ? given[slot as keyof Parameters] : slot.constant)
      return values
    },
  }
}
