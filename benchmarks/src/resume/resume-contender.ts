/** A server with a log of changes that clients may have missed. */
export interface ResumeContender {
  readonly port: number
  /** What a client says to get the last `missed` changes. */
  request(missed: number): string
  close(): Promise<void>
}

export interface ResumeContenderDescription {
  readonly title: string
  readonly dialect: 'ws' | 'dnr-idle'
  /** Does it send what was missed, or only read who asks for it? */
  readonly replays: boolean
  /** Does it answer those who ask for a sign of life meanwhile? */
  readonly answersPings: boolean
  /** Does a round of it take seconds? */
  readonly isSlow: boolean
  /** Starts with `changes` in its log. */
  start(file: string, changes: number): Promise<ResumeContender>
}

/** Rows that the changes are spread over. */
export const RESUME_ROWS = 200

export const resumeContenders = {
  'ws-query': {
    title: 'ws, a query and JSON.stringify each',
    dialect: 'ws',
    replays: true,
    answersPings: false,
    isSlow: true,
    start: async (file, changes) => (await import('./ws-log.ts')).startWsQuery(file, changes),
  },
  'ws-strings': {
    title: 'ws, strings serialised once',
    dialect: 'ws',
    replays: true,
    answersPings: false,
    isSlow: true,
    start: async (file, changes) => (await import('./ws-log.ts')).startWsStrings(file, changes),
  },
  floor: {
    title: 'floor: the gap as one shared buffer',
    dialect: 'ws',
    replays: true,
    answersPings: false,
    isSlow: false,
    start: async (file, changes) => (await import('./ws-log.ts')).startSharedBuffer(file, changes),
  },
  reader: {
    title: 'ws, reading alone',
    dialect: 'dnr-idle',
    replays: false,
    answersPings: true,
    isSlow: false,
    start: async () => (await import('./ws-log.ts')).startReader(),
  },
  dnr: {
    title: 'DNR',
    dialect: 'dnr-idle',
    replays: true,
    answersPings: true,
    isSlow: false,
    start: async (file, changes) => (await import('./dnr-log.ts')).startDnrLog(file, changes),
  },
} as const satisfies Record<string, ResumeContenderDescription>

export type ResumeContenderName = keyof typeof resumeContenders
