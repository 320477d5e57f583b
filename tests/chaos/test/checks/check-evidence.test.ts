// The checks must be able to fail: each planted violation is found, and said in its own words.
import { describe, expect, test } from 'vitest'
import { checkEvidence } from '../../src/checks/check-evidence.ts'
import { hasEverything } from '../../src/checks/check-stream.ts'
import type { Evidence, HeardEvent, Stream, WriteRecord } from '../../src/checks/evidence.ts'
import {
  asked,
  event,
  goodRun,
  heard,
  log,
  lost,
  red,
  refused,
  row,
  stream,
  subscribed,
  writes,
} from './a-good-run.ts'

const check = (planted: Partial<Evidence>): string => checkEvidence({ ...goodRun, ...planted }).join('\n')
const checkStreamOf = (events: readonly HeardEvent[]): string => check({ streams: [stream(events)] })
const at = (index: number): HeardEvent => heard[index] as HeardEvent
const changed = <Item>(items: readonly Item[], index: number, part: Partial<Item>): Item[] =>
  items.map((item, each) => (each === index ? { ...item, ...part } : item))

test('a run in which every promise was kept has nothing to say', () => {
  expect(checkEvidence(goodRun)).toEqual([])
})

describe('the log and the table (S1)', () => {
  test('a row that the log does not have', () => {
    expect(check({ rows: [...goodRun.rows, row('ghost', 1)] })).toMatch(
      /log = rows: ghost is .* in the table and absent/,
    )
  })
  test('a change without its row', () => {
    expect(check({ rows: goodRun.rows.slice(1) })).toMatch(/log = rows: a is absent in the table/)
  })
  test('a hole: an image before a change that no change left', () => {
    expect(check({ log: log.toSpliced(2, 1) })).toMatch(/updated of a at 5 has another image before it/)
  })
  test('an offset that is used twice', () => {
    expect(check({ log: changed(log, 1, { offset: 1 }) })).toMatch(/created of b at 1 stands after 1/)
  })
  test('a version that is counted twice', () => {
    expect(check({ log: changed(log, 2, { version: 1 }) })).toMatch(/updated of a at 3 is version 1 after 1/)
  })
})

describe('what writers were told (S4, S5, S6)', () => {
  const checkWriteOf = (index: number, part: Partial<WriteRecord>): string =>
    check({ writes: changed(writes, index, part) })

  test('a write that was acknowledged and is gone', () => {
    const answers = [{ ok: true, offset: 9, version: 1 } as const]
    expect(check({ writes: [...writes, { ...refused('k10'), answers }] })).toMatch(
      /lost: .*k10.* not in the log/,
    )
  })
  test('a write that was refused and took effect', () => {
    expect(checkWriteOf(2, refused('k3'))).toMatch(/refused: .*k3.* stands in the log at 3/)
  })
  test('a write that had taken effect, and was refused when it was asked for again', () => {
    expect(checkWriteOf(2, { ...refused('k3'), requests: 2 })).toMatch(
      /answer: .*k3.* refused \(bad_field\) when it was asked for again/,
    )
  })
  test('a write that was refused first, and accepted from a request that came later, is no violation', () => {
    const answers = [{ ok: false, code: 'not_found', askedAt: 1 } as const]
    expect(checkWriteOf(2, { requests: 2, answers })).toBe('')
  })
  test('an answer that names another place', () => {
    expect(checkWriteOf(2, { answers: [{ ok: true, offset: 4, version: 2 }] })).toMatch(
      /said to stand at 4, and stands at 3/,
    )
  })
  test('an answer that names another version', () => {
    expect(checkWriteOf(2, { answers: [{ ok: true, offset: 3, version: 7 }] })).toMatch(
      /said to make version 7, and made 2/,
    )
  })
  test('a key that took effect twice', () => {
    expect(check({ log: changed(log, 3, { mutationId: 'k3' }) })).toMatch(
      /doubled: ann k3 took effect 2 times, at 3, 4/,
    )
  })
  test('a key that did something else', () => {
    expect(checkWriteOf(2, { id: 'b' })).toMatch(/other: updated of b .* is the updated of a/)
  })
  test('writes of one writer in another order than it made them', () => {
    const [first, second, ...rest] = writes as [WriteRecord, WriteRecord, ...WriteRecord[]]
    expect(check({ writes: [second, first, ...rest] })).toMatch(
      /order: k1 of ann stands at 1, its write before at 2/,
    )
  })
})

describe('what a subscription was sent (S2, S3)', () => {
  const journalOf = (...journal: Stream['journal']): string => check({ streams: [{ view: red, journal }] })
  const events = heard.map(event)

  test('an event that never came', () => {
    expect(checkStreamOf(heard.toSpliced(1, 1))).toMatch(
      /lost: the change of b at 2 \("created"\) never came/,
    )
  })
  test('the last event that never came', () => {
    expect(checkStreamOf(heard.slice(0, -1))).toMatch(/lost: the change of c at 7 \("deleted"\) never came/)
  })
  test('a row that left its sight and was not taken away', () => {
    expect(checkStreamOf(heard.toSpliced(4, 1))).toMatch(/lost: the change of a at 5 \("left"\)/)
  })
  test('an event that came twice', () => {
    expect(checkStreamOf(heard.toSpliced(1, 0, at(1)))).toMatch(/doubled: got the event at 2 again/)
  })
  test('events in the wrong order', () => {
    expect(checkStreamOf([at(1), at(0), ...heard.slice(2)])).toMatch(
      /out of order: got the event at 1 after 2/,
    )
  })
  test('an event that the log does not have', () => {
    const invented = { ...at(6), position: { epoch: 'e1', offset: 8 } }
    expect(checkStreamOf([...heard, invented])).toMatch(/invented: the log has nothing at 8/)
  })
  test('an offset with another meaning', () => {
    expect(checkStreamOf(changed(heard, 1, { payload: row('b', 1, { title: 'other' }) }))).toMatch(
      /two meanings: 2 is/,
    )
  })
  test('a row of another team', () => {
    const blueLog = changed(log, 1, { after: row('b', 1, { team: 'blue' }) })
    expect(check({ log: blueLog })).toMatch(/leaked: the change at 2/)
  })
  test('a transaction in parts', () => {
    const { more: _, ...whole } = at(2)
    expect(checkStreamOf(heard.toSpliced(2, 1, whole))).toMatch(/torn: the transaction at 3 came in parts/)
  })
  test('two transactions as one', () => {
    expect(checkStreamOf(changed(heard, 0, { more: true }))).toMatch(
      /torn: events of the transactions 1, 2 came as one/,
    )
  })
  test('half a transaction before a cut does not count, and comes again whole', () => {
    const again = [asked(2), subscribed(2, true), ...events.slice(2)]
    expect(journalOf(asked(null), subscribed(0, false), ...events.slice(0, 3), lost, ...again)).toBe('')
  })
  test('a hole at the seam of a resume', () => {
    const again = [asked(2), subscribed(2, true), ...events.slice(4)]
    expect(journalOf(asked(null), subscribed(0, false), ...events.slice(0, 2), lost, ...again)).toMatch(
      /lost: the change of b at 4 \("updated"\) never came/,
    )
  })
  test('a double at the seam of a resume', () => {
    const again = [asked(2), subscribed(2, true), ...events.slice(1)]
    expect(journalOf(asked(null), subscribed(0, false), ...events.slice(0, 2), lost, ...again)).toMatch(
      /doubled: got the event at 2 again/,
    )
  })
  test('who comes back to a log that holds everything is not sent back to the start', () => {
    const again = [asked(2), subscribed(7, false)]
    expect(journalOf(asked(null), subscribed(0, false), ...events.slice(0, 2), lost, ...again)).toMatch(
      /sent back to the start from 2/,
    )
  })
  test('a replay leaves out what a row was before it vanished, and only a replay may', () => {
    const withoutUpdate = [asked(2), subscribed(2, true), event({ ...at(3) }), ...events.slice(4)]
    const before = [asked(null), subscribed(0, false), ...events.slice(0, 2)]
    expect(journalOf(...before, lost, ...withoutUpdate)).toBe('')
    expect(journalOf(...before, ...events.slice(3))).toMatch(/lost: the change of a at 3/)
  })
  test('who was away while a row came and went is current without a word of it, and who was there is not', () => {
    const before = [asked(null), subscribed(0, false), ...events.slice(0, 5)]
    const current = (...journal: Stream['journal']): boolean => hasEverything({ view: red, journal }, log)
    expect(current(...before, lost, asked(5), subscribed(5, true))).toBe(true)
    expect(current(...before)).toBe(false)
    expect(current(...before, ...events.slice(5))).toBe(true)
  })
  test('a position that was said to be reached before everything up to it had come', () => {
    const reached = { kind: 'reached', position: { epoch: 'e1', offset: 2 } } as const
    const again = [asked(2), subscribed(2, true), ...events.slice(2)]
    expect(
      journalOf(asked(null), subscribed(0, false), ...events.slice(0, 1), reached, lost, ...again),
    ).toMatch(/lost: the change of b at 2/)
  })
})

describe('what was on the screen (S8)', () => {
  const [shown] = goodRun.collections
  const checkShown = (part: object): string => check({ collections: [{ ...shown, ...part } as never] })

  test('a row that is missing', () => {
    expect(checkShown({ rows: [] })).toMatch(/misses b/)
  })
  test('a row that is not there any more', () => {
    expect(checkShown({ rows: [row('b', 2), row('c', 1)] })).toMatch(/shows c that are not there/)
  })
  test('a row as it was', () => {
    expect(checkShown({ rows: [row('b', 1)] })).toMatch(/shows b@1 as they were/)
  })
  test('rows in another order', () => {
    const view = { name: 'admin', team: 'admin' }
    expect(checkShown({ view, rows: goodRun.rows.toReversed() })).toMatch(/in another order/)
    expect(checkShown({ view, rows: goodRun.rows.toReversed(), orderBy: [['id', 'desc']] })).toBe('')
  })
  test('half a transaction', () => {
    expect(checkShown({ tears: ['bundle-0'] })).toMatch(/half a transaction was shown: bundle-0/)
  })
})
