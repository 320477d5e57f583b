// Which records a client listens to, and of which one a change is: the same in every process, so that the server need not
// be told and what has to arrive can be counted.

export const RECORDS = 5_000
export const RECORDS_PER_CLIENT = 10

/** The ids of the records that a client listens to, all different. Five hundred clients in a row have each record once. */
export function recordsOf(client: number): string[] {
  return recordNumbersOf(client).map(recordId)
}

/** The record of the `n`th change. Those of {@link RECORDS} changes in a row are all different. */
export function recordOfChange(n: number): string {
  return recordId(changedNumber(n))
}

/** How many messages `count` changes come to after the first `made`, by the records that `clients` listen to. */
export function countRecordDeliveries(clients: number): (made: number, count: number) => number {
  const listeners = Array.from({ length: RECORDS }, () => 0)
  for (let client = 0; client < clients; client++)
    for (const record of recordNumbersOf(client)) listeners[record] = (listeners[record] ?? 0) + 1
  return (made, count) => {
    let deliveries = 0
    for (let n = made + 1; n <= made + count; n++) deliveries += listeners[changedNumber(n)] ?? 0
    return deliveries
  }
}

const clientsPerDeal = RECORDS / RECORDS_PER_CLIENT
const changeOrder = shuffled(1)
const deals: number[][] = []

function changedNumber(n: number): number {
  return changeOrder[n % RECORDS] ?? 0
}

/** All records are dealt out like cards, shuffled anew when none is left: two who share one record share no other but by chance. */
function recordNumbersOf(client: number): number[] {
  const round = Math.floor(client / clientsPerDeal)
  const deal = (deals[round] ??= shuffled(round + 2))
  const first = (client % clientsPerDeal) * RECORDS_PER_CLIENT
  return deal.slice(first, first + RECORDS_PER_CLIENT)
}

/** As long as ids are. */
function recordId(record: number): string {
  return `550e8400-e29b-41d4-a716-44665544${`${record}`.padStart(4, '0')}`
}

/** The numbers of all records in an order that looks random, the same one for the same seed. */
function shuffled(seed: number): number[] {
  const numbers = Array.from({ length: RECORDS }, (_, record) => record)
  let state = seed
  for (let last = numbers.length - 1; last > 0; last--) {
    state = (state * 48_271) % 2_147_483_647
    const other = state % (last + 1)
    const kept = numbers[last] as number
    numbers[last] = numbers[other] as number
    numbers[other] = kept
  }
  return numbers
}
