import type { Change } from '@dnr/protocol'

/** What a commit changed: whole transactions, in log order. */
export type Committed = readonly (readonly Change[])[]

/** Someone who follows the log in this process. */
export interface Follower {
  /** After every commit of this process; called from the writer's own turn, so it only takes note. */
  committed(transactions: Committed): void
  /** Everything up to this offset is done with; trimming leaves the rest. */
  doneUpTo(): number
  /** The database closes: nothing comes any more, and what is here should be done with now. */
  closing(): Promise<void>
}

/** Who follows the log in this process. */
export interface CommitFeed {
  follow(follower: Follower): () => void
  committed(transactions: Committed): void
  /** The offset that every follower has passed; `Infinity` without followers. */
  doneUpTo(): number
  close(): Promise<void>
}

/** Hands commits to whoever follows. */
export function createCommitFeed(): CommitFeed {
  const followers = new Set<Follower>()
  return {
    follow(follower) {
      followers.add(follower)
      return () => void followers.delete(follower)
    },
    committed(transactions) {
      for (const follower of followers) follower.committed(transactions)
    },
    doneUpTo: () =>
      Math.min(Number.POSITIVE_INFINITY, ...[...followers].map((follower) => follower.doneUpTo())),
    async close() {
      await Promise.all([...followers].map((follower) => follower.closing()))
    },
  }
}
