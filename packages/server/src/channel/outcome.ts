import type { Operation } from '@dnr/protocol'

/** What a change is to somebody: it happened to a row in their sight, or it brought the row in or out of it. */
export type Outcome = 'created' | 'updated' | 'deleted' | 'entered' | 'left'

/**
 * What a change means to a group that saw the row before it or not, and sees it after or not. `null`: nothing.
 *
 *   operation │ saw → sees │ saw → not │ not → sees │ not → not
 *   created   │     –      │     –     │  created   │  nothing
 *   updated   │  updated   │   left    │  entered   │  nothing
 *   deleted   │     –      │  deleted  │     –      │  nothing
 */
export function outcomeOf(operation: Operation, sawBefore: boolean, seesAfter: boolean): Outcome | null {
  switch (operation) {
    case 'created':
      return seesAfter ? 'created' : null
    case 'updated':
      return seesAfter ? (sawBefore ? 'updated' : 'entered') : sawBefore ? 'left' : null
    case 'deleted':
      return sawBefore ? 'deleted' : null
  }
}
