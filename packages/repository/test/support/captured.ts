import type { Change } from '@dnr/protocol'
import type Database from 'better-sqlite3'
import type { DatabaseSettings } from '../../src/index.ts'
import { temporaryFile } from './database.ts'
import { ITEM_TABLE, type OpenItems, openItems } from './items.ts'
import { openOther } from './other-handle.ts'

export interface OpenBoth extends OpenItems {
  readonly path: string
  readonly other: Database.Database
}

/** A captured table, and a connection that knows nothing of DNR. `more`: SQL that runs before the table is captured. */
export async function openBoth(
  more = '',
  { ddl = ITEM_TABLE, ...settings }: DatabaseSettings & { readonly ddl?: string } = {},
): Promise<OpenBoth> {
  const file = temporaryFile()
  const open = await openItems(file.path, { ddl: `${ddl}; ${more}`, ...settings })
  const other = openOther(file.path)
  return {
    ...open,
    path: file.path,
    other,
    async [Symbol.asyncDispose]() {
      other.close()
      await open[Symbol.asyncDispose]()
      file[Symbol.dispose]()
    },
  }
}

export const told = (changes: readonly Change[]): string[] =>
  changes.map(({ operation, id, version }) => `${operation} ${id} ${version}`)

export const transactionsOf = (changes: readonly Change[]): number[] =>
  changes.map(({ transaction }) => transaction)
