import type { Synchronous, Writer } from './writer.ts'

interface WriteContender {
  readonly title: string
  /** How many writes are asked for before the first is awaited. */
  readonly atOnce: number
  start(path: string, synchronous: Synchronous): Writer | Promise<Writer>
}

export type WriteOperation = 'create' | 'update'

/** Everybody in the comparison of writes. */
export const writeContenders = {
  raw: {
    title: 'better-sqlite3, the row alone',
    atOnce: 1,
    start: async (path, synchronous) =>
      (await import('./plain-writers.ts')).startRawWriter(path, synchronous),
  },
  'hand-log': {
    title: 'by hand, row and log entry',
    atOnce: 1,
    start: async (path, synchronous) =>
      (await import('./plain-writers.ts')).startHandWriter(path, synchronous, false),
  },
  hand: {
    title: 'by hand, with the record of the answer',
    atOnce: 1,
    start: async (path, synchronous) =>
      (await import('./plain-writers.ts')).startHandWriter(path, synchronous, true),
  },
  kysely: {
    title: 'the same in a Kysely transaction',
    atOnce: 1,
    start: async (path, synchronous) =>
      (await import('./kysely-writer.ts')).startKyselyWriter(path, synchronous),
  },
  floor: {
    title: 'floor: the statements of DNR alone',
    atOnce: 1,
    start: async (path, synchronous) =>
      (await import('./floor-writer.ts')).startFloorWriter(path, synchronous),
  },
  'floor-32': {
    title: 'the floor, 32 at once',
    atOnce: 32,
    start: async (path, synchronous) =>
      (await import('./floor-writer.ts')).startFloorWriter(path, synchronous),
  },
  dnr: {
    title: 'DNR, one after the other',
    atOnce: 1,
    start: async (path, synchronous) => (await import('./dnr-writer.ts')).startDnrWriter(path, synchronous),
  },
  'dnr-32': {
    title: 'DNR, 32 at once',
    atOnce: 32,
    start: async (path, synchronous) => (await import('./dnr-writer.ts')).startDnrWriter(path, synchronous),
  },
} as const satisfies Record<string, WriteContender>

export type WriteContenderName = keyof typeof writeContenders
