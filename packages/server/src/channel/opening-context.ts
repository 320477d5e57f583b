// What reading for a subscription needs of the server. Types only.
import type { Clock } from '@dnr/protocol'
import type { Connection } from '../connection/connection.ts'
import type { Grant } from '../policy/grant.ts'
import type { Frame, FrameRun } from '../ports/server-socket.ts'
import type { KnownEntity } from './entities.ts'
import type { HistoryReader } from './history-reader.ts'
import type { ReadingContext } from './snapshot-frames.ts'
import type { ChannelEntry } from './subscription.ts'
import type { Turns } from './turns.ts'

/** What opening needs of the server. */
export interface OpeningContext extends ReadingContext {
  readonly clock: Clock
  readonly reader: HistoryReader
  readonly entities: ReadonlyMap<string, KnownEntity>
  readonly maxQueueBytes: number
  /** Those who read share them. */
  readonly turns: Turns
  send(connection: Connection, frame: Frame): void
  sendRun(connection: Connection, run: FrameRun): void
  /** Tells at once what a channel above its limit holds back: from then on `position` is true for it, too. */
  flush(entry: ChannelEntry): void
  /** Names what a connection may see on a channel. */
  rightsOf(connection: Connection, grant: Grant | null, channel: string): string
  /** Ends a connection whose peer does not read. */
  closeSlow(connection: Connection): void
}
