/** A server with a table of rows that a client opens. */
export interface OpeningContender {
  readonly port: number
  close(): Promise<void>
}

export const openingContenders = {
  ws: {
    title: 'ws, one query and one message',
    start: async (file: string, rows: number): Promise<OpeningContender> =>
      (await import('./ws-table.ts')).startWsTable(file, rows),
  },
  dnr: {
    title: 'DNR, a snapshot in chunks',
    start: async (file: string, rows: number): Promise<OpeningContender> =>
      (await import('./dnr-table.ts')).startDnrTable(file, rows),
  },
} as const

export type OpeningContenderName = keyof typeof openingContenders
