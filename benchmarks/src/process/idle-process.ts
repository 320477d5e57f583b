// Does nothing but look at the clock: what the machine itself keeps a process waiting.
import { answerParent } from './child.ts'
import { pauseHandlers } from './event-loop.ts'

answerParent({ start: () => null, ...pauseHandlers() }, async () => {})
