// `pnpm bench`: DNR beside its peers in one run. `--quick` is a smoke test of the benchmarks themselves.
import { measureCollections } from './collections/collections.ts'
import { measureConnections } from './connections/connections.ts'
import type { ContenderDescription } from './contenders/contender.ts'
import type { ContenderName } from './contenders/contenders.ts'
import { contenders } from './contenders/contenders.ts'
import { audiences } from './fan-out/audience.ts'
import { measureFanOut } from './fan-out/fan-out.ts'
import { RECORDS, RECORDS_PER_CLIENT } from './fan-out/record-spread.ts'
import { measureLatency } from './latency/latency.ts'
import { measureOpening } from './opening/opening.ts'
import { isInstalled } from './process/child.ts'
import { fanOutBudgets, recordBudgets } from './report/budgets.ts'
import { formatCollections } from './report/format-collections.ts'
import { formatConnections } from './report/format-connections.ts'
import { formatFanOut } from './report/format-fan-out.ts'
import { formatLatency } from './report/format-latency.ts'
import { formatOpening } from './report/format-opening.ts'
import { formatResume } from './report/format-resume.ts'
import { formatWrites } from './report/format-writes.ts'
import { describeMachine } from './report/machine.ts'
import { type ResumeContenderName, resumeContenders } from './resume/resume-contender.ts'
import { measureResume } from './resume/resume.ts'
import { measureWrites } from './writes/writes.ts'

const quick = process.argv.includes('--quick')
const option = (name: string): string | undefined =>
  process.argv.find((argument) => argument.startsWith(`--${name}=`))?.slice(name.length + 3)
const only = option('only')?.split(',')
const subscribers = Number(option('subscribers') ?? (quick ? 50 : 1_000))
if (!Number.isInteger(subscribers) || subscribers < 1)
  throw new Error('--subscribers takes a whole number from 1')
const isJudged = !quick
const isWanted = (name: string): boolean => only === undefined || only.includes(name)

function print(title: string, table: string): void {
  console.log(`\n${title}\n\n${table}`)
}

const fanOutLengths = quick
  ? { heats: 1, warmUpRounds: 1, rounds: 1 }
  : { heats: 3, warmUpRounds: 3, rounds: 12 }

async function benchFanOut(): Promise<void> {
  const wanted = (Object.keys(contenders) as ContenderName[]).filter(isWanted)
  const names = wanted.filter((name) => isPresent(contenders[name]))
  if (names.length === 0) return
  const modes = [
    { title: 'one change in flight', changesPerTick: 1, ticks: quick ? 4 : 40 },
    { title: '16 changes in one tick', changesPerTick: 16, ticks: quick ? 1 : 10 },
  ]
  const options = { audience: 'all', contenders: names, subscribers, modes, ...fanOutLengths } as const
  const result = await measureFanOut(options)
  const title = `Fan-out to ${subscribers} subscribers: server CPU per delivered message`
  print(title, formatFanOut(result, quick ? [] : fanOutBudgets(subscribers)))
}

/** Can it take part on this machine? */
function isPresent({ title, runtime }: ContenderDescription): boolean {
  if (runtime === undefined || isInstalled(runtime)) return true
  console.log(`Left out: ${title}. Install ${runtime} to see it.`)
  return false
}

async function benchRecords(): Promise<void> {
  const names = Object.keys(audiences.records.contenders) as ContenderName[]
  const channels = `${RECORDS_PER_CLIENT} of ${RECORDS.toLocaleString('en')} record channels each`
  const modes = [
    { title: `512 changes in one tick, ${channels}`, changesPerTick: 512, ticks: quick ? 2 : 20 },
  ]
  const options = { audience: 'records', contenders: names, subscribers, modes, ...fanOutLengths } as const
  const result = await measureFanOut(options)
  const title = `Fan-out to ${subscribers} subscribers of records: server CPU per delivered message`
  print(title, formatFanOut(result, quick ? [] : recordBudgets, 'records'))
}

async function benchLatency(): Promise<void> {
  const latency = await measureLatency({ writes: quick ? 10 : 1_000, warmUp: quick ? 2 : 200 })
  print('From one process to the screen of another', formatLatency(latency, { isJudged }))
}

async function benchWrites(): Promise<void> {
  const result = await measureWrites({
    rounds: quick ? 1 : 12,
    // SQLite folds its write-ahead log into the file once in some two hundred commits: a round is long enough for everybody to
    // do so at their own rate.
    commits: ({ synchronous }) => (quick ? 2 : synchronous === 'normal' ? 512 : 256),
  })
  print('Writes into SQLite', formatWrites(result, { isJudged }))
}

async function benchResume(): Promise<void> {
  const [clients, changes] = quick ? [20, 200] : [1_000, 1_000]
  const result = await measureResume({
    contenders: Object.keys(resumeContenders) as ResumeContenderName[],
    clients,
    changes,
    rounds: quick ? 1 : 3,
    warmUpRounds: quick ? 1 : 24,
    quietMs: quick ? 50 : 2_000,
  })
  const title = `${clients} clients that each missed ${changes} changes: server CPU per replayed message`
  print(title, formatResume(result, { isJudged }))
}

async function benchOpening(): Promise<void> {
  for (const rows of quick ? [1_200] : [10_000, 100_000]) {
    const result = await measureOpening({ rows, rounds: quick ? 1 : 5, warmUpRounds: quick ? 1 : 20 })
    print(`A client opens ${rows} rows: the server`, formatOpening(result, rows, { isJudged }))
  }
}

async function benchConnections(): Promise<void> {
  const connections = quick ? 50 : 5_000
  const result = await measureConnections({ connections, first: quick ? 10 : 500, rounds: quick ? 1 : 3 })
  print(`${connections} idle connections: memory of the server`, formatConnections(result, { isJudged }))
}

async function benchCollections(): Promise<void> {
  const rows = quick ? 200 : 10_000
  const result = await measureCollections({
    rows,
    rounds: quick ? 1 : 5,
    pages: quick ? 1 : 7,
    firstChanges: quick ? 4 : 100,
    warmUpMs: quick ? 1 : 2_000,
    roundMs: quick ? 1 : 200,
  })
  print(`${rows} rows in a page: CPU of the page`, formatCollections(result, { isJudged }))
}

console.log(describeMachine())
if (quick) console.log('--quick: these figures mean nothing, and no budget is held against them.')
await benchFanOut()
if (isWanted('records')) await benchRecords()
if (isWanted('latency')) await benchLatency()
if (isWanted('writes')) await benchWrites()
if (isWanted('resume')) await benchResume()
if (isWanted('opening')) await benchOpening()
if (isWanted('connections')) await benchConnections()
if (isWanted('collections')) await benchCollections()
