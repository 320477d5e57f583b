import { type AnyOrderBy, type AnyWhere, DnrError } from '@dnr/protocol'
import type { ChannelSubscriber } from '../channel/channel-subscriber.ts'
import { canonicalJson, shortHash } from '../channel/query-key.ts'
import type { Shares } from '../channel/shares.ts'
import { type Collection, createCollection } from './collection.ts'
import type { Flusher } from './flusher.ts'
import type { SafeForm } from './row-form.ts'

/** Which rows, in which order, how many: without its row type. */
export interface AnyQuery {
  readonly where?: AnyWhere
  readonly orderBy?: AnyOrderBy
  readonly limit?: number
}

type Row = { readonly id: string; readonly version: number }

/** Opens the rows of a query. Uses of equal queries share them; each is closed by itself. */
export function openCollection(
  channels: ChannelSubscriber,
  shares: Shares,
  flusher: Flusher,
  form: SafeForm<unknown>,
  entity: string,
  query: AnyQuery,
): Collection<Row> {
  const { where, limit = 1 } = query
  if (!(limit > 0 && limit % 1 === 0))
    throw new DnrError('bad_option', `limit is a whole number above 0, not ${limit}.`)
  const text = canonicalJson(query)
  const { value, release } = shares.use(`${entity} ${text}`, () => {
    const { collection, sink } = createCollection<Row>(entity, query, form as SafeForm<Row>, flusher)
    // The key comes from the query, so that clients who ask the same share the server's frames.
    const key = text === '{}' ? undefined : shortHash(text)
    return [collection, channels.open({ channel: `entity:${entity}`, key, where, snapshot: true }, sink)]
  })
  return Object.assign(Object.create(value) as Collection<Row>, { close: release })
}
