// One contender in a process of its own: `resume-server-process.ts NAME FILE CHANGES`.
import { answerParent } from '../process/child.ts'
import { pauseHandlers } from '../process/event-loop.ts'
import { usageHandlers } from '../process/usage.ts'
import { type ResumeContenderName, resumeContenders } from './resume-contender.ts'

const [name = '', file = '', changes = ''] = process.argv.slice(2)
const contender = await resumeContenders[name as ResumeContenderName].start(file, Number(changes))

answerParent(
  {
    start: () => null,
    port: () => ({ port: contender.port }),
    requests: ({ missed }: { missed: number[] }) => ({ texts: missed.map(contender.request) }),
    ...pauseHandlers(),
    ...usageHandlers(),
  },
  () => contender.close(),
)
