import { checkCollection } from './check-collections.ts'
import { checkLog } from './check-log.ts'
import { checkStream } from './check-stream.ts'
import { checkWrites } from './check-writes.ts'
import type { Evidence } from './evidence.ts'

/** Everything that is wrong with a run, one sentence each; empty when every promise was kept. */
export function checkEvidence({ log, rows, writes, streams, collections }: Evidence): string[] {
  return [
    ...checkLog(log, rows),
    ...checkWrites(writes, log),
    ...streams.flatMap((stream) => checkStream(stream, log)),
    ...collections.flatMap((shown) => checkCollection(shown, rows)),
  ]
}
