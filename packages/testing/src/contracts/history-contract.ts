import type { Change, Position } from '@dnr/protocol'
import { type ContractCase, holds, same } from './contract.ts'

/** The change log as a server reads it; fits `ChangeHistory` of `@dnr/server`. */
export interface ReadableHistory {
  head(): Promise<Position>
  read(request: { after: Position; entity: string; id?: string; limit: number }): Promise<ReadPage>
}

export type ReadPage =
  | { readonly holds: false; readonly reason: 'unknown_epoch' | 'trimmed' | 'ahead' }
  | {
      readonly holds: true
      readonly changes: readonly Change[]
      readonly position: Position
      readonly more: boolean
    }

/** A history under test, empty at first. */
export interface HistoryFixture extends AsyncDisposable {
  readonly history: ReadableHistory
  /** The entity that `write` writes. */
  readonly entity: string
  /** Creates or changes these rows in one transaction. */
  write(...ids: readonly string[]): Promise<void>
  /** Writes a row of another entity; absent: the history has one entity alone. */
  writeOther?(): Promise<void>
  /** Removes every change from the log; absent: it is never trimmed. */
  trim?(): Promise<void>
  /**
   * Runs `work` and loses what it wrote, as a restored backup and a power cut do; `history` may be another object from then
   * on. Absent: it loses nothing.
   */
  lose?(work: () => Promise<void>): Promise<void>
}

type Make = () => Promise<HistoryFixture>

/** What every history keeps, so that nobody who resumes misses anything. */
export const historyContract: readonly ContractCase<Make>[] = [
  {
    name: 'the head moves with each change',
    run: using(async ({ history, write }) => {
      const before = await history.head()
      await write('a')
      await write('b', 'c')
      same((await history.head()).offset, before.offset + 3, 'offset of the head')
    }),
  },
  {
    name: 'gives what came after a position, in log order, up to the head',
    run: using(async ({ history, entity, write }) => {
      await write('a')
      const after = await history.head()
      await write('b')
      await write('a', 'c')
      const page = await readPage(history, { after, entity, limit: 100 })
      same(
        page.changes.map(({ id }) => id),
        ['b', 'a', 'c'],
        'rows',
      )
      same([page.more, page.position], [false, await history.head()], 'the end of the page')
      same(
        page.changes.map(({ last }) => last),
        [true, false, true],
        'ends of transactions',
      )
    }),
  },
  {
    name: 'never cuts a transaction in two, however small the page',
    run: using(async ({ history, entity, write }) => {
      const after = await history.head()
      await write('a', 'b', 'c')
      await write('d')
      const page = await readPage(history, { after, entity, limit: 1 })
      same(
        page.changes.map(({ id }) => id),
        ['a', 'b', 'c'],
        'the first page',
      )
      holds(page.more, 'it says that nothing follows')
    }),
  },
  {
    name: 'pages follow each other without a gap and without a double',
    run: using(async ({ history, entity, write }) => {
      let after = await history.head()
      for (let each = 0; each < 10; each++) await write(`r${each}`, `s${each}`)
      const seen: string[] = []
      for (let more = true; more;) {
        const page = await readPage(history, { after, entity, limit: 3 })
        seen.push(...page.changes.map(({ id }) => id))
        ;({ more, position: after } = page)
      }
      same(seen, Array.from({ length: 10 }, (_, each) => [`r${each}`, `s${each}`]).flat(), 'rows')
    }),
  },
  {
    name: 'one row alone is read by its id',
    run: using(async ({ history, entity, write }) => {
      const after = await history.head()
      await write('a', 'b')
      await write('a')
      const page = await readPage(history, { after, entity, id: 'a', limit: 100 })
      same(
        page.changes.map(({ id, version }) => [id, version]),
        [
          ['a', 1],
          ['a', 2],
        ],
        'changes',
      )
    }),
  },
  {
    name: 'changes of other entities are left out, and the position is past them',
    run: using(async ({ history, entity, write, writeOther }) => {
      if (writeOther === undefined) return
      const after = await history.head()
      await write('a')
      await writeOther()
      const page = await readPage(history, { after, entity, limit: 100 })
      same(
        page.changes.map(({ id }) => id),
        ['a'],
        'rows',
      )
      same(page.position, await history.head(), 'position')
    }),
  },
  {
    name: 'a position of an unknown epoch, or ahead of the head, does not hold',
    run: using(async ({ history, entity, write }) => {
      await write('a')
      const head = await history.head()
      const foreign = await history.read({
        after: { epoch: 'another_history', offset: 0 },
        entity,
        limit: 10,
      })
      const ahead = await history.read({ after: { ...head, offset: head.offset + 1 }, entity, limit: 10 })
      same([foreign.holds, ahead.holds], [false, false], 'holds')
    }),
  },
  {
    name: 'a position of what was lost does not hold, also when others have its offset; one before it does',
    run: using(async (fixture) => {
      const { entity, write, lose } = fixture
      if (lose === undefined) return
      await write('a')
      const kept = await fixture.history.head()
      const lost: Position[] = []
      await lose(async () => {
        for (const id of ['b', 'c']) {
          await write(id)
          lost.push(await fixture.history.head())
        }
      })
      const areKnown = async (): Promise<boolean[]> => {
        const pages = lost.map((after) => fixture.history.read({ after, entity, limit: 10 }))
        return (await Promise.all(pages)).map((page) => page.holds)
      }
      same(await areKnown(), [false, false], 'holds, after the loss')
      await write('d')
      same(await areKnown(), [false, false], 'holds, at an offset that is used again')
      await write('e', 'f')
      same(await areKnown(), [false, false], 'holds, once the log has grown past it')
      const page = await readPage(fixture.history, { after: kept, entity, limit: 10 })
      same(
        page.changes.map(({ id }) => id),
        ['d', 'e', 'f'],
        'rows after a position that was not lost',
      )
    }),
  },
  {
    name: 'after trimming, what was missed does not hold, and the head does',
    run: using(async ({ history, entity, write, trim }) => {
      if (trim === undefined) return
      const missed = await history.head()
      await write('a')
      await write('b')
      await trim()
      const head = await history.head()
      const behind = await history.read({ after: missed, entity, limit: 10 })
      same(behind.holds, false, 'holds')
      const page = await readPage(history, { after: head, entity, limit: 10 })
      same(page.changes, [], 'changes after the head')
      await write('a')
      const next = await readPage(history, { after: head, entity, limit: 10 })
      same(
        next.changes.map(({ position }) => position.offset),
        [head.offset + 1],
        'offsets are not used twice',
      )
    }),
  },
  {
    name: 'who is at the head of the entity holds, however much other entities were written and trimmed since',
    run: using(async ({ history, entity, write, writeOther, trim }) => {
      if (trim === undefined || writeOther === undefined) return
      await write('a')
      const quiet = await history.head()
      await writeOther()
      await trim()
      const page = await readPage(history, { after: quiet, entity, limit: 10 })
      same(page.changes, [], 'changes')
    }),
  },
]

function using(run: (fixture: HistoryFixture) => Promise<void>): (make: Make) => Promise<void> {
  return async (make) => {
    await using fixture = await make()
    await run(fixture)
  }
}

async function readPage(
  history: ReadableHistory,
  request: Parameters<ReadableHistory['read']>[0],
): Promise<Extract<ReadPage, { holds: true }>> {
  const page = await history.read(request)
  holds(page.holds, 'the position should hold', page)
  return page as Extract<ReadPage, { holds: true }>
}
