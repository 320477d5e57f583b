// The end of a program: faults heal, everything has to come to rest within a bounded time, and then everything has to be right.
import { compareRows } from '@dnr/protocol'
import { InvariantViolation } from '@dnr/testing'
import { findUnrestOfPeople, peopleShown, reopenBoards } from './rest-of-people.ts'
import type { OpenCollection } from './sim-client.ts'
import type { World } from './world.ts'

/** Heartbeats, back-off, time-outs: nothing may take longer than all of them after the last fault. */
const REST_WITHIN_MS = 90_000
const STEP_MS = 500
const REOPENS_AFTER_MS = 300
/** At rest for so long: longer than a half-open connection goes unnoticed. */
const STAYS_MS = 7_000

export async function comeToRest(world: World): Promise<void> {
  heal(world)
  const { clock } = world
  const endMark = clock.monotonic() + REST_WITHIN_MS
  let restingSince: number | null = null
  while (restingSince === null || clock.monotonic() - restingSince < STAYS_MS) {
    reopenDenied(world)
    reopenBoards(world)
    await clock.advance(STEP_MS)
    world.assertWell()
    const trouble = findUnrest(world)
    if (trouble !== null && clock.monotonic() >= endMark) throw trouble
    restingSince = trouble === null ? (restingSince ?? clock.monotonic()) : null
  }
  checkRest(world)
  await closeAll(world)
}

function heal({ network, storage, clients, sink, rules }: World): void {
  network.heal()
  rules.heal()
  storage.trouble = 'none'
  storage.crashPlan = null
  sink.fails = 0
  for (const client of clients) {
    client.resume()
    client.client.connect()
  }
}

/** A subscription that was ended stays ended: whoever has got the right back asks again, after what was shared has ended. */
function reopenDenied({ clients, standings, clock }: World): void {
  for (const client of clients) {
    for (const [slot, { entity, where, limit, collection }] of client.collections) {
      if (collection.error.peek()?.code !== 'forbidden' || standings.rightsOf(client.user, entity) === null)
        continue
      client.close(slot)
      clock.setTimeout(() => client.open(slot, entity, where, limit), REOPENS_AFTER_MS)
    }
  }
}

/** What is not as it should be yet; `null`: everything is at rest. */
function findUnrest(world: World): InvariantViolation | null {
  if (!world.isServing)
    return new InvariantViolation('L1', { who: 'the server', what: 'it does not come up' })
  for (const { user, client, manager, collections } of world.clients) {
    const { status } = client.state.peek()
    if (status !== 'ready')
      return new InvariantViolation('L1', {
        who: user,
        what: `the connection is ${status}`,
        actual: [client.state.peek(), world.clock.now(), world.clock.nextTimerInMs],
      })
    if (manager.pendingCount.peek() > 0)
      return new InvariantViolation('L1', { who: user, what: 'mutations are pending' })
    for (const { entity, collection, shown } of collections.values()) {
      const collectionStatus = collection.status.peek()
      const isDenied = world.standings.rightsOf(user, entity) === null
      if (isDenied && collection.error.peek()?.code === 'forbidden') continue
      if (collectionStatus !== 'live')
        return new InvariantViolation('L1', {
          who: shown().name,
          what: `the collection is ${collectionStatus}`,
          actual: collection.error.peek()?.code,
        })
    }
  }
  return (
    findUnrestOfPeople(world) ??
    catching(() =>
      world.checker.atRest(
        world.clients.flatMap(({ collections }) => [...collections.values()].map((each) => each.shown())),
        peopleShown(world),
      ),
    )
  )
}

function catching(judge: () => void): InvariantViolation | null {
  try {
    judge()
    return null
  } catch (error) {
    if (error instanceof InvariantViolation) return error
    throw error
  }
}

function checkRest(world: World): void {
  world.checkTables()
  for (const { collections } of world.clients) for (const each of collections.values()) checkShown(each)
}

/** Order and limit of what is shown; and no overlay is left on it. */
function checkShown({ collection, optimistic, limit, shown }: OpenCollection): void {
  const sorted = [...collection.allRows.peek()].sort(compareRows([])).slice(0, limit)
  const ids = (rows: readonly { readonly id: string }[]): string => rows.map(({ id }) => id).join()
  if (ids(sorted) !== ids(collection.rows.peek()))
    throw new InvariantViolation('S8', {
      who: shown().name,
      what: 'order or limit',
      expected: ids(sorted),
      actual: ids(collection.rows.peek()),
    })
  if (JSON.stringify(optimistic.rows.peek()) !== JSON.stringify(collection.rows.peek()))
    throw new InvariantViolation('S10', {
      who: shown().name,
      what: 'something of a settled mutation is left',
      expected: collection.rows.peek(),
      actual: optimistic.rows.peek(),
    })
}

/** After all are gone nothing of them is left. */
async function closeAll(world: World): Promise<void> {
  const { servers, clock } = world
  for (const client of world.clients) client.end()
  await clock.advance(40_000)
  world.assertWell()
  for (const server of servers) {
    const { connections, channels, groups, subscriptions } = server.realtime.stats()
    if (connections + channels + groups + subscriptions > 0)
      throw new InvariantViolation('S9', {
        who: 'the server',
        what: 'something is left of closed connections',
        actual: server.realtime.stats(),
      })
    void server.stop()
  }
  await clock.advance(10_000)
  world.assertWell()
  if (clock.pendingTimers > 0)
    throw new InvariantViolation('S9', {
      who: 'the clock',
      what: 'timers are left',
      actual: clock.pendingTimers,
    })
}
