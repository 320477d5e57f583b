// What a `prepare` hook makes of a write, checked like any input.
import type { AnyEntity, RowOf } from '@dnr/protocol'
import { fieldError } from './field-value.ts'
import type { PrepareContext } from './mutation.ts'
import { type Fields, parseFields, parseRow, readFields } from './validate.ts'
import type { RowWrite } from './write-row.ts'

/** The validated fields of a new row. */
export function valuesOfNewRow<E extends AnyEntity>(write: RowWrite<E>): Fields {
  const { model, prepare } = write.writer
  const { id, values } = write.checked
  if (prepare.create === undefined) return values
  const prepared = readFields(model, prepare.create(values as never, contextOf(write)))
  return parseRow(model, id === undefined ? prepared : { ...prepared, id })
}

/** The validated fields to change. */
export function valuesOfPatch<E extends AnyEntity>(write: RowWrite<E>, before: RowOf<E>): Fields {
  const { model, prepare } = write.writer
  const { id, values } = write.checked
  if (prepare.update === undefined) return values
  const prepared = readFields(model, prepare.update({ ...values } as never, before, contextOf(write)))
  if (prepared['id'] !== undefined && prepared['id'] !== id) throw fieldError('id', 'cannot change')
  delete prepared['id']
  // What the hook left as it was has been checked, and transformed, already.
  const added = Object.entries(prepared).filter(([name, value]) => value !== values[name])
  return { ...prepared, ...parseFields(model, Object.fromEntries(added)) }
}

function contextOf({ context, transaction }: RowWrite<AnyEntity>): PrepareContext {
  return {
    principal: context.principal ?? null,
    now: transaction.now,
    query(query) {
      const { sql, parameters } = query.compile()
      return transaction.connection.query(sql, parameters) as never
    },
  }
}
