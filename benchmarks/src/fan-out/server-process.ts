// One contender in a process of its own. Asked by the parent: start, publish, cpu.
import type { ContenderName } from '../contenders/contenders.ts'
import { answerParent } from '../process/child.ts'
import { type AudienceName, contenderFor } from './audience.ts'

const [audience = '', name = '', file = ''] = process.argv.slice(2)
const contender = await contenderFor(audience as AudienceName, name as ContenderName).start(file)

answerParent(
  {
    start: () => null,
    port: () => ({ port: contender.port }),
    publish: ({ count }: { count: number }) => contender.publish(count),
    cpu: () => {
      const { user, system } = process.cpuUsage()
      return { cpuMicros: user + system }
    },
  },
  () => contender.close(),
)
