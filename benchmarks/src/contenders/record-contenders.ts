import { recordOfChange } from '../fan-out/record-spread.ts'
import type { ContenderDescription } from './contender.ts'
import type { ContenderName } from './contenders.ts'

/** Those of the comparison where each client listens to records of its own. */
export const recordContenders = {
  ws: {
    title: 'ws, a map from record to sockets',
    dialect: 'ws',
    start: async () => (await import('./records/ws-string.ts')).startWsStringRecords(),
  },
  floor: {
    title: 'floor: prepared frame, gathered',
    dialect: 'ws',
    start: async () => (await import('./records/prepared-frame.ts')).startPreparedFrameRecords(),
  },
  'socket.io': {
    title: 'socket.io room for each record',
    dialect: 'socket.io',
    start: async () => (await import('./records/socket-io.ts')).startSocketIoRecords(),
  },
  dnr: {
    title: 'DNR, one policy group',
    dialect: 'dnr-records',
    start: async () => (await import('./dnr.ts')).startDnrEventBus({ idOf: recordOfChange }),
  },
} as const satisfies Partial<Record<ContenderName, ContenderDescription>>
