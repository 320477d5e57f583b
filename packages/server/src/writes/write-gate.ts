// Decides about one write, inside its transaction. Holds what it saw; knows no store. Comes from write-service.ts.
import { DnrError } from '@dnr/protocol'
import type { Grant } from '../policy/grant.ts'
import type { MutationImages } from '../ports/entity-store.ts'

export interface WriteGate {
  /** The store's `authorize` hook. @throws DnrError `not_found`, `forbidden` or `forbidden_field`; whatever `checkSession` throws. */
  authorize(images: MutationImages): void
  /** Was it asked when its grant was one of before a change of rights? Then nothing has been written. */
  readonly isOutdated: boolean
  /** Did the store get as far as asking? */
  readonly wasAsked: boolean
  /** Is the row of a repeated write gone, or hidden from its author today? */
  readonly isHiddenNow: boolean
}

/**
 * The gate of one write: what `grant` says about the row before and after it, while it `isCurrent`. Without a grant nothing
 * is written; but who wrote before their rights ended is told so when they ask again. `checkSession` throws when the author's
 * session is over: then nothing is written, whatever the grant says.
 */
export function createWriteGate(
  grant: Grant | null,
  isCurrent: () => boolean,
  checkSession: () => unknown,
): WriteGate {
  let wasAsked = false
  let isOutdated = false
  let isHiddenNow = false
  return {
    authorize(images) {
      checkSession()
      isOutdated = !isCurrent()
      if (isOutdated) throw new DnrError('busy', 'Rights have changed since.', { retryable: true })
      wasAsked = true
      // A repeated write changes nothing: all there is to decide is whether its answer may still be shown.
      if (images.replay) isHiddenNow = images.after === null || grant?.sees(images.after) !== true
      else if (grant === null) throw notFound()
      else checkWrite(grant, images)
    },
    get isOutdated() {
      return isOutdated
    },
    get wasAsked() {
      return wasAsked
    },
    get isHiddenNow() {
      return isHiddenNow
    },
  }
}

function checkWrite(grant: Grant, { operation, before, after, fields }: MutationImages): void {
  if (operation !== 'create' && (before === null || !grant.sees(before))) throw notFound()
  const writable = grant.writable(operation, before, after)
  if (writable === false) {
    throw new DnrError('forbidden', `You may not ${operation} this ${grant.entity.name}.`)
  }
  if (writable !== true) checkFields(writable, operation, fields)
}

function checkFields(writable: ReadonlySet<string>, operation: string, fields: readonly string[]): void {
  // Who may create at all may also choose the id: rows are made offline, under ids of their makers.
  const refused = fields.filter(
    (field) => !writable.has(field) && !(operation === 'create' && field === 'id'),
  )
  if (refused.length === 0) return
  throw new DnrError('forbidden_field', `You may not set ${refused.join(', ')}: leave it out.`, {
    details: { errors: refused.map((field) => ({ path: [field], message: 'you may not set this field' })) },
  })
}

/** One error for a row that is absent, one that may not be seen, and an entity that does not exist or is not granted. */
export function notFound(cause?: unknown): DnrError {
  return new DnrError('not_found', 'There is no such row, or you may not see it.', { cause })
}
