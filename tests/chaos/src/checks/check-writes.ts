// What writers were told, beside the log: S4 (acknowledged is there, refused is not), S5 (in the order of asking),
// S6 (one key, one change).
import type { LoggedChange, WriteAnswer, WriteRecord } from './evidence.ts'

/** One sentence for each broken word. */
export function checkWrites(writes: readonly WriteRecord[], log: readonly LoggedChange[]): string[] {
  const changesByKey = new Map<string, LoggedChange[]>()
  for (const change of log) {
    if (change.mutationId === null) continue
    const name = nameOf(change.actor, change.mutationId)
    changesByKey.set(name, [...(changesByKey.get(name) ?? []), change])
  }
  return [
    ...[...changesByKey]
      .filter(([, changes]) => changes.length > 1)
      .map(([name, changes]) => doubled(name, changes)),
    ...writes.flatMap((write) => checkWrite(write, changesByKey.get(nameOf(write.writer, write.key)) ?? [])),
    ...checkOrder(writes, changesByKey),
  ]
}

/** Was any answer yes? */
export function isAcknowledged({ answers }: WriteRecord): boolean {
  return answers.some(({ ok }) => ok)
}

/** Was every request answered, and every answer no? */
export function isRefused({ answers, requests }: WriteRecord): boolean {
  return answers.length === requests && answers.every(({ ok }) => !ok)
}

function checkWrite(write: WriteRecord, changes: readonly LoggedChange[]): string[] {
  const name = `${write.operation} of ${write.id} by ${write.writer} (${write.key})`
  const [change] = changes
  if (change === undefined)
    return isAcknowledged(write) ? [`lost: ${name} was acknowledged and is not in the log`] : []
  if (isRefused(write)) return [`refused: ${name} stands in the log at ${change.offset}`]
  const isOther = change.id !== write.id || change.operation !== write.operation
  return [
    ...(isOther ? [`other: ${name} is the ${change.operation} of ${change.id} in the log`] : []),
    ...write.answers
      .flatMap((answer) => complaintsAbout(answer, change))
      .map((what) => `answer: ${name} ${what}`),
  ]
}

function complaintsAbout(answer: WriteAnswer, change: LoggedChange): string[] {
  // Asked for before it was made, it may have been refused, and accepted a moment later.
  if (!answer.ok)
    return change.at < answer.askedAt ? [`was refused (${answer.code}) when it was asked for again`] : []
  const { offset, version } = answer
  const found: string[] = []
  if (offset !== null && offset !== change.offset)
    found.push(`was said to stand at ${offset}, and stands at ${change.offset}`)
  if (version !== null && version !== change.version)
    found.push(`was said to make version ${version}, and made ${change.version}`)
  return found
}

/** A writer asks one write after the other, so its acknowledged ones stand in that order. */
function checkOrder(
  writes: readonly WriteRecord[],
  changesByKey: ReadonlyMap<string, LoggedChange[]>,
): string[] {
  const lastByWriter = new Map<string, number>()
  const found: string[] = []
  for (const write of writes) {
    const offset = changesByKey.get(nameOf(write.writer, write.key))?.[0]?.offset
    if (offset === undefined || !isAcknowledged(write)) continue
    const last = lastByWriter.get(write.writer) ?? 0
    if (offset <= last)
      found.push(`order: ${write.key} of ${write.writer} stands at ${offset}, its write before at ${last}`)
    lastByWriter.set(write.writer, offset)
  }
  return found
}

function doubled(name: string, changes: readonly LoggedChange[]): string {
  return `doubled: ${name} took effect ${changes.length} times, at ${changes.map(({ offset }) => offset).join(', ')}`
}

function nameOf(writer: string | null, key: string): string {
  return `${writer ?? ''} ${key}`
}
