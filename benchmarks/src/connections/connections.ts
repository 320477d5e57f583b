// What a connection that is subscribed and says nothing costs its server in memory.
import type { ContenderName } from '../contenders/contenders.ts'
import type { dialects } from '../fan-out/dialect.ts'
import { startChild } from '../process/child.ts'
import type { HeldMemory } from '../process/held-memory.ts'

/** Who is connected, and to what. */
interface Crowd {
  readonly title: string
  readonly contender: ContenderName
  readonly dialect: keyof typeof dialects
}

export const crowds = {
  ws: { title: 'ws', contender: 'ws', dialect: 'ws' },
  'socket.io': { title: 'socket.io, in a room', contender: 'socket.io', dialect: 'socket.io' },
  dnr: { title: 'DNR, one subscription', contender: 'dnr', dialect: 'dnr' },
  'dnr-eleven': { title: 'DNR, eleven subscriptions', contender: 'dnr', dialect: 'dnr-eleven' },
} as const satisfies Record<string, Crowd>

export type CrowdName = keyof typeof crowds

export interface ConnectionsOptions {
  readonly connections: number
  /** Connections that come before, for what a process needs once. */
  readonly first: number
  /** How many processes each crowd has, one after the other. */
  readonly rounds: number
}

/** Bytes of one connection, a sample for each round. */
export type ConnectionsResult = ReadonlyMap<CrowdName, readonly HeldMemory[]>

export async function measureConnections({
  rounds,
  ...options
}: ConnectionsOptions): Promise<ConnectionsResult> {
  const names = Object.keys(crowds) as CrowdName[]
  const samples = new Map(names.map((name) => [name, [] as HeldMemory[]]))
  for (let round = 0; round < rounds; round++)
    for (const name of names) samples.get(name)?.push(await measureCrowd(crowds[name], options))
  return samples
}

async function measureCrowd(
  { contender, dialect }: Crowd,
  { connections, first }: Omit<ConnectionsOptions, 'rounds'>,
): Promise<HeldMemory> {
  const runtimeOptions = { ownOptions: ['--expose-gc'] }
  const server = await startChild(
    'fan-out/server-process.ts',
    ['all', contender, ''],
    'server',
    runtimeOptions,
  )
  const load = await startChild('fan-out/load-process.ts', [], 'load')
  try {
    const { port } = await server.ask<{ port: number }>({ kind: 'ports' })
    const connect = (clients: number) => load.ask({ kind: 'connect', port, dialect, clients })
    const held = () => server.ask<HeldMemory>({ kind: 'held' })
    await connect(first)
    const before = await held()
    await connect(connections)
    const after = await held()
    return {
      heapBytes: (after.heapBytes - before.heapBytes) / connections,
      residentBytes: (after.residentBytes - before.residentBytes) / connections,
    }
  } finally {
    await Promise.all([load.close(), server.close()])
  }
}
