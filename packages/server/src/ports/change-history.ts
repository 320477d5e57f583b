import type { Change, Position } from '@dnr/protocol'

/**
 * The change log, as resuming subscribers need it. `database.changeLog` of @dnr/repository fits.
 *
 * What was published is readable: a read that begins after a transaction was handed to the event bus covers it.
 */
export interface ChangeHistory {
  /** The position of the last committed change. */
  head(): Promise<Position>
  /**
   * Changes of one entity (or one record) after a position, in log order, about `limit` at once: whole transactions, or a part of
   * one that is too long to be held as a whole.
   */
  read(request: HistoryRequest): Promise<HistoryPage>
}

export interface HistoryRequest {
  after: Position
  entity: string
  id?: string
  limit: number
  /** The page ends with the transaction in which the images of its changes have so many characters: it is held while it is sent. */
  maxCharacters?: number
}

export type HistoryPage =
  | { holds: false; reason: 'unknown_epoch' | 'trimmed' | 'ahead' }
  /** `position`: everything of this entity up to here is covered by this page and those before it. `isCut`: more changes of the last transaction follow. */
  | { holds: true; changes: readonly Change[]; position: Position; more: boolean; isCut?: boolean }
