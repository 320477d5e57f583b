// One contender in a process of its own. Asked by the parent: start, ports, run, cpu, held.
import type { ContenderName } from '../contenders/contenders.ts'
import { answerParent } from '../process/child.ts'
import { heldMemoryHandlers } from '../process/held-memory.ts'
import { listenForArrivals } from './arrival-signal.ts'
import { type AudienceName, contenderFor } from './audience.ts'

const [audience = '', name = '', file = ''] = process.argv.slice(2)
const contender = await contenderFor(audience as AudienceName, name as ContenderName).start(file)
const arrivals = await listenForArrivals()

answerParent(
  {
    start: () => null,
    ports: () => ({ port: contender.port, arrivalsPort: arrivals.port }),
    run: async ({ ticks, changesPerTick }: { ticks: number; changesPerTick: number }) => {
      for (let tick = 0; tick < ticks; tick++) {
        await contender.publish(changesPerTick)
        await arrivals.next()
      }
    },
    cpu: () => {
      const { user, system } = process.cpuUsage()
      return { cpuMicros: user + system }
    },
    ...heldMemoryHandlers(),
  },
  () => {
    arrivals.close()
    return contender.close()
  },
)
