import type { ReadonlySignal } from '@preact/signals-core'
import type { DependencyList } from 'react'
import { type Closable, useOpened } from './use-opened.ts'
import { useSignalValue } from './use-signal-value.ts'

/** Rows as signals: collections of `@dnr/client` and of `@dnr/optimistic` fit. */
export interface RowsView extends Closable {
  readonly rows: ReadonlySignal<readonly unknown[]>
  readonly status: ReadonlySignal<unknown>
}

/** What a component shows of a collection, and the collection itself. */
export interface Rows<View extends RowsView> {
  readonly rows: View['rows']['value']
  readonly status: View['status']['value']
  readonly collection: View
}

/**
 * The rows of a query for as long as the component is mounted.
 *
 * `deps` say when `open` asks for something else, as in `useMemo`. Components that ask the same share one subscription, and a
 * remount, StrictMode's included, finds it still there.
 *
 * @example
 * const { rows, status } = useCollection(() => client.collection('Task', { where: { team } }), [team])
 */
export function useCollection<View extends RowsView>(open: () => View, deps: DependencyList): Rows<View> {
  return useRows(useOpened(open, deps))
}

/**
 * The rows of a query with your pending writes laid over them, and what to write with.
 *
 * @example
 * const { rows, collection: tasks } = useOptimistic(
 *   () => client.collection('Task', { where: { team } }),
 *   (confirmed) => optimistic.collection(confirmed),
 *   [team],
 * )
 * const add = () => tasks.create({ title: 'New' })
 */
export function useOptimistic<Confirmed extends Closable, View extends RowsView>(
  open: () => Confirmed,
  layOver: (confirmed: Confirmed) => View,
  deps: DependencyList,
): Rows<View> {
  const opened = useOpened(() => {
    const confirmed = open()
    const collection = layOver(confirmed)
    return {
      collection,
      close() {
        collection.close()
        confirmed.close()
      },
    }
  }, deps)
  return useRows(opened.collection)
}

function useRows<View extends RowsView>(collection: View): Rows<View> {
  return { rows: useSignalValue(collection.rows), status: useSignalValue(collection.status), collection }
}
