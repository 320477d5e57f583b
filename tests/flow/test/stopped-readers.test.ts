// Who stops reading costs a bounded memory, and nobody else anything: what is read for them ends where their queue is full.
import type { Socket } from 'node:net'
import type { ChangeHistory, EntityStore } from '@dnr/server'
import { expect, test, vi } from 'vitest'
import { openPlainClient } from '../src/plain-client.ts'
import { startStack } from '../src/stack.ts'
import { openStoppedReader } from '../src/stopped-reader.ts'
import type { Task } from '../src/task.ts'
import { temporaryFolder } from '../src/temporary-folder.ts'

const ROWS = 2_000
const ROW_BYTES = 8_000
/** More than the systems of both ends take of one connection. */
const TITLE = 'x'.repeat(ROW_BYTES)
const READERS = 12
const HALF_QUEUE_BYTES = 524_288
/** A frame beyond half of a queue, and a chunk of rows, or a block of the log, with a row more than they hold. */
const READ_AHEAD_BYTES = 65_536 + 262_144 + 4 * ROW_BYTES

/** Counts what is read for sockets, and the most of it that they had not taken. */
function createLedger() {
  const sockets: Socket[] = []
  let readBytes = 0
  const ledger = {
    sockets,
    mostBytes: 0,
    openReads: 0,
    read(rows: readonly unknown[]) {
      for (const row of rows) readBytes += JSON.stringify(row).length
      const taken = sockets.reduce((sum, each) => sum + each.bytesWritten - each.writableLength, 0)
      ledger.mostBytes = Math.max(ledger.mostBytes, readBytes - taken)
    },
    /** Everybody has more waiting than they are sent more on top of. */
    areStopped: () => sockets.every(({ writableLength }) => writableLength > HALF_QUEUE_BYTES),
    storeOf: (store: EntityStore<typeof Task>): EntityStore<typeof Task> => ({
      ...store,
      async *snapshotChunks(...query) {
        ledger.openReads++
        try {
          for await (const chunk of store.snapshotChunks(...query)) {
            ledger.read(chunk.rows)
            yield chunk
          }
        } finally {
          ledger.openReads--
        }
      },
    }),
    historyOf: (history: ChangeHistory): ChangeHistory => ({
      ...history,
      async read(request) {
        const page = await history.read(request)
        if (page.holds) ledger.read(page.changes.map(({ after }) => after))
        return page
      },
    }),
  }
  return ledger
}

async function startLargeStack(file: string, ledger: ReturnType<typeof createLedger>) {
  const stack = await startStack({ path: file, storeOf: ledger.storeOf, historyOf: ledger.historyOf })
  stack.http.on('connection', (socket) => void ledger.sockets.push(socket))
  const ids = Array.from({ length: ROWS }, (_, n) => `t${n}`)
  for (let from = 0; from < ROWS; from += 10)
    await stack.tasks.createMany(ids.slice(from, from + 10).map((id) => ({ id, title: TITLE })))
  return stack
}

test('what is read of a snapshot for who stops reading ends with their queue, holds nobody up, and is let go with them', async () => {
  await using folder = await temporaryFolder()
  const ledger = createLedger()
  await using stack = await startLargeStack(folder.file('tasks.db'), ledger)
  const ask = { type: 'subscribe', channel: 'entity:Task', payload: { snapshot: true } }
  const readers = await Promise.all(
    Array.from({ length: READERS }, () => openStoppedReader(stack.port, 'ann.red', ask)),
  )
  await vi.waitFor(() => expect(ledger.areStopped()).toBe(true), 10_000)
  expect(ledger.mostBytes / READERS).toBeLessThan(HALF_QUEUE_BYTES + READ_AHEAD_BYTES)
  expect(ledger.openReads).toBe(READERS)

  using other = await openPlainClient(`${stack.url}?token=bea.red`)
  other.send(ask)
  let rows = 0
  for (let more = true; more;) {
    const { type, payload } = (await other.next()) as { type: string; payload: Record<string, unknown> }
    if (type !== 'subscribed' && type !== 'snapshot') continue
    const part = (type === 'subscribed' ? payload['snapshot'] : payload) as Record<string, unknown>
    rows += (part['rows'] as unknown[]).length
    more = part['more'] as boolean
  }
  expect(rows).toBe(ROWS)
  for (const reader of readers) reader[Symbol.dispose]()
  await vi.waitFor(() => expect(ledger.openReads).toBe(0))
})

test('what is read of the log for who stops reading ends with their queue', async () => {
  await using folder = await temporaryFolder()
  const ledger = createLedger()
  await using stack = await startLargeStack(folder.file('tasks.db'), ledger)
  const position = { ...(await stack.database.changeLog.head()), offset: 0 }
  const ask = { type: 'subscribe', channel: 'entity:Task', payload: { position } }
  using _reader = await openStoppedReader(stack.port, 'ann.red', ask)
  await vi.waitFor(() => expect(ledger.areStopped()).toBe(true), 10_000)
  expect(ledger.mostBytes).toBeLessThan(HALF_QUEUE_BYTES + READ_AHEAD_BYTES)
})
