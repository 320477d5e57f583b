// What a run leaves behind, as data: the checks look at nothing else.

/** A row as it travels. */
export type Row = Readonly<Record<string, unknown>> & { readonly id: string; readonly version: number }

/** A place in the log, as frames and headers name it. */
export interface Place {
  readonly epoch: string
  readonly offset: number
}

/** An entry of the log. */
export interface LoggedChange {
  readonly offset: number
  /** The first offset of its transaction. */
  readonly transaction: number
  readonly id: string
  readonly operation: 'created' | 'updated' | 'deleted'
  readonly version: number
  readonly before: Row | null
  readonly after: Row | null
  readonly mutationId: string | null
  readonly actor: string | null
  /** Wall clock, milliseconds. */
  readonly at: number
}

/** One write that somebody asked for, however often. Of a writer they stand in the order of asking. */
export interface WriteRecord {
  /** Its user id. */
  readonly writer: string
  readonly key: string
  readonly operation: LoggedChange['operation']
  readonly id: string
  /** How often it was asked for: again after a silence, or twice at once. */
  readonly requests: number
  /** Every answer that came. */
  readonly answers: readonly WriteAnswer[]
}

export type WriteAnswer =
  | { readonly ok: true; readonly offset: number | null; readonly version: number | null }
  /** `askedAt`: wall clock, milliseconds. */
  | { readonly ok: false; readonly code: string; readonly askedAt: number }

/** Whose eyes, and through which window. */
export interface View {
  readonly name: string
  /** `admin` sees every team. */
  readonly team: string
  /** Fields and what they must be. */
  readonly where?: Readonly<Record<string, string | number>>
  /** One row alone. */
  readonly id?: string
}

/** An event as a subscription got it. */
export interface HeardEvent {
  readonly type: string
  readonly payload: Readonly<Record<string, unknown>> & { readonly id: string }
  readonly position: Place
  readonly mutationId?: string
  readonly reason?: string
  readonly more?: boolean
}

/** What happened to one subscription, in order. Times are wall clock, milliseconds. */
export type JournalEntry =
  | { readonly kind: 'asked'; readonly position: Place | null }
  | {
      readonly kind: 'subscribed'
      readonly position: Place
      readonly recovered: boolean
      /** The whole snapshot, all chunks; `null`: none was asked for. */
      readonly rows: readonly Row[] | null
      readonly at: number
    }
  | { readonly kind: 'event'; readonly event: HeardEvent }
  /** The server says that everything up to here has been sent. */
  | { readonly kind: 'reached'; readonly position: Place }
  | { readonly kind: 'lost' }

export interface Stream {
  readonly view: View
  readonly journal: readonly JournalEntry[]
}

/** What a collection showed at the end, and what it must never show. */
export interface ShownRows {
  readonly view: View
  readonly orderBy: readonly (readonly [field: string, direction: 'asc' | 'desc'])[]
  readonly limit?: number
  readonly rows: readonly Row[]
  /** Transactions that it showed by half, in words. */
  readonly tears: readonly string[]
}

/** Everything about one run. */
export interface Evidence {
  /** The whole log, by offset. */
  readonly log: readonly LoggedChange[]
  /** The table. */
  readonly rows: readonly Row[]
  readonly writes: readonly WriteRecord[]
  readonly streams: readonly Stream[]
  readonly collections: readonly ShownRows[]
}
