import type { ContenderDescription } from './contender.ts'

/** Everybody in the comparison, by the name that a child process is started with. */
export const contenders = {
  ws: {
    title: 'ws, one string for all',
    dialect: 'ws',
    start: async () => (await import('./ws-string.ts')).startWsString(),
  },
  floor: {
    title: 'floor: prepared frame, gathered',
    dialect: 'ws',
    start: async () => (await import('./prepared-frame.ts')).startPreparedFrame(),
  },
  'socket.io': {
    title: 'socket.io room',
    dialect: 'socket.io',
    start: async () => (await import('./socket-io.ts')).startSocketIo(),
  },
  bun: {
    title: 'Bun, publish to a topic',
    dialect: 'ws',
    runtime: 'bun',
    start: async () => (await import('./bun-publish.ts')).startBunPublish(),
  },
  dnr: {
    title: 'DNR, one policy group',
    dialect: 'dnr',
    start: async () => (await import('./dnr.ts')).startDnrEventBus(),
  },
  'dnr-10-groups': {
    title: 'DNR, 10 policy groups',
    dialect: 'dnr',
    start: async () => (await import('./dnr.ts')).startDnrEventBus({ groups: 10 }),
  },
  'dnr-own-rules': {
    title: 'DNR, a rule for each subscriber',
    dialect: 'dnr',
    start: async () => (await import('./dnr.ts')).startDnrEventBus({ groups: null }),
  },
  'dnr-written': {
    title: 'DNR, written to SQLite',
    dialect: 'dnr',
    start: async (file) => (await import('./dnr-written.ts')).startDnrWritten(file),
  },
} as const satisfies Record<string, ContenderDescription>

export type ContenderName = keyof typeof contenders
