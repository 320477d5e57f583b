// Bad luck for the whole run: every so often something happens to one of the connections.
import { createFaultDeck } from '../proxy/fault-deck.ts'
import type { FaultKind } from '../proxy/fault.ts'
import type { Link } from '../proxy/link.ts'
import type { TcpProxy } from '../proxy/tcp-proxy.ts'

export type FaultCounts = Readonly<Record<FaultKind | 'refuse', number>>

export interface Faults {
  readonly counts: FaultCounts
  /** Nothing more happens, and what is under way is over. */
  stop(): void
}

const PAUSE_MS = { least: 30, most: 150 }
const REFUSE_CHANCE = 0.02

export function startFaults(proxies: readonly TcpProxy[], random: () => number): Faults {
  const deal = createFaultDeck(random)
  const counts: Record<FaultKind | 'refuse', number> = {
    cut: 0,
    stall: 0,
    blackhole: 0,
    loseTail: 0,
    halfClose: 0,
    dribble: 0,
    loseReply: 0,
    zombie: 0,
    refuse: 0,
  }
  let timer: NodeJS.Timeout

  const strike = (): void => {
    timer = setTimeout(strike, PAUSE_MS.least + random() * (PAUSE_MS.most - PAUSE_MS.least))
    const proxy = proxies[Math.floor(random() * proxies.length)]
    if (proxy === undefined) return
    if (random() < REFUSE_CHANCE) {
      counts.refuse++
      return proxy.refuse(50 + random() * 300)
    }
    const idle = proxy.links.filter(({ isBusy }) => !isBusy)
    const link: Link | undefined = idle[Math.floor(random() * idle.length)]
    if (link === undefined) return
    const fault = deal()
    counts[fault.kind]++
    proxy.inflict(link, fault)
  }
  strike()
  return {
    counts,
    stop() {
      clearTimeout(timer)
      for (const proxy of proxies) proxy.heal()
    },
  }
}
