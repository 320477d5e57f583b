// One contender in a process of its own: `opening-server-process.ts NAME FILE ROWS`.
import { answerParent } from '../process/child.ts'
import { pauseHandlers } from '../process/event-loop.ts'
import { usageHandlers } from '../process/usage.ts'
import { type OpeningContenderName, openingContenders } from './opening-contenders.ts'

const [name = '', file = '', rows = ''] = process.argv.slice(2)
const contender = await openingContenders[name as OpeningContenderName].start(file, Number(rows))

answerParent(
  { start: () => null, port: () => ({ port: contender.port }), ...pauseHandlers(), ...usageHandlers() },
  () => contender.close(),
)
