import { type Connection, type ConnectionView, viewOf } from './connection.ts'

/** Connections as applications see them; made when somebody looks, kept nowhere. */
export function createConnectionViews(
  byId: ReadonlyMap<string, Connection>,
): ReadonlyMap<string, ConnectionView> {
  function* entries(): MapIterator<[string, ConnectionView]> {
    for (const [id, connection] of byId) yield [id, viewOf(connection)]
    return undefined
  }
  function* values(): MapIterator<ConnectionView> {
    for (const connection of byId.values()) yield viewOf(connection)
    return undefined
  }
  const views: ReadonlyMap<string, ConnectionView> = {
    get size() {
      return byId.size
    },
    has: (id) => byId.has(id),
    get(id) {
      const connection = byId.get(id)
      return connection === undefined ? undefined : viewOf(connection)
    },
    keys: () => byId.keys(),
    entries,
    values,
    [Symbol.iterator]: entries,
    forEach(callback) {
      for (const [id, view] of entries()) callback(view, id, views)
    },
  }
  return views
}
