import { DnrError } from '@dnr/protocol'
import { checkFile } from './check-file.ts'
import { type Connection, createConnection } from './connection.ts'
import { loadDriver } from './load-driver.ts'
import {
  openReader,
  openWriter,
  prepareReader,
  prepareWriter,
  readPragma,
  type Synchronous,
} from './open-handles.ts'
import type { DatabaseLocation } from './realtime-database.ts'
import type { SqliteHandle } from './sqlite-handle.ts'
import { storageError } from './storage-error.ts'

/** The connections to one database. */
export interface Connections {
  readonly writer: Connection
  /** Sees committed rows alone, unless it is the writer itself. */
  readonly reader: Connection
  /** Is the reader the writer? */
  readonly isShared: boolean
  /** Can nobody else write: neither another process, nor the owner of a handle? */
  readonly isPrivate: boolean
  /** Was the writer opened here, so that nobody else writes with it? */
  readonly isWriterOurs: boolean
  /** For the user's own reads. */
  openUserConnection(): Connection
  /** Is that a connection of its own? */
  readonly hasUserConnection: boolean
  /** Closes the handles that were opened here. */
  close(): void
}

/** How connections are opened. */
export interface OpenSettings {
  readonly synchronous: Synchronous
  /** Is the file to be read through first? */
  readonly checkOnOpen: boolean
}

/** Opens what a location says. @throws DnrError */
export function openConnections(location: DatabaseLocation, settings: OpenSettings): Connections {
  try {
    if (location.handle !== undefined) return useHandles(location.handle, location.readerHandle, settings)
    if (typeof location.path !== 'string' || location.path === '')
      throw new DnrError('bad_option', 'openDatabase needs a path, ":memory:" or a handle.')
    return openPath(location.path, settings)
  } catch (error) {
    throw storageError(error)
  }
}

function prepare(handle: SqliteHandle, { synchronous, checkOnOpen }: OpenSettings): void {
  // Before anything is written: what is damaged stays as it is, for whoever has to rescue it.
  if (checkOnOpen) checkFile(handle)
  prepareWriter(handle, synchronous)
}

function useHandles(
  handle: SqliteHandle,
  readerHandle: SqliteHandle | undefined,
  settings: OpenSettings,
): Connections {
  prepare(handle, settings)
  if (readerHandle !== undefined) prepareReader(readerHandle)
  const writer = createConnection(handle)
  const reader = readerHandle === undefined ? writer : createConnection(readerHandle)
  return {
    writer,
    reader,
    isShared: reader === writer,
    isPrivate: false,
    isWriterOurs: false,
    openUserConnection: () => reader,
    hasUserConnection: false,
    close: () => {},
  }
}

function openPath(path: string, settings: OpenSettings): Connections {
  const open = loadDriver()
  const opened: SqliteHandle[] = []
  const keep = (handle: SqliteHandle): SqliteHandle => {
    opened.push(handle)
    return handle
  }
  const close = (): void => {
    // The writer last: the last connection to go folds the write-ahead log into the file.
    for (const handle of opened.splice(0).reverse()) handle.close()
  }
  try {
    const handle = keep(openWriter(open, path))
    prepare(handle, settings)
    const writer = createConnection(handle)
    if (isMemory(handle)) {
      return {
        writer,
        reader: writer,
        isShared: true,
        isPrivate: true,
        isWriterOurs: true,
        openUserConnection: () => writer,
        hasUserConnection: false,
        close,
      }
    }
    const reader = createConnection(keep(openReader(open, path)))
    let user: Connection | null = null
    const openUserConnection = (): Connection => (user ??= createConnection(keep(openReader(open, path))))
    return {
      writer,
      reader,
      isShared: false,
      isPrivate: false,
      isWriterOurs: true,
      openUserConnection,
      hasUserConnection: true,
      close,
    }
  } catch (error) {
    close()
    throw error
  }
}

function isMemory(handle: SqliteHandle): boolean {
  return readPragma(handle, 'journal_mode') === 'memory'
}
