import type { dialects } from '../fan-out/dialect.ts'

/** A server of the comparison. All of them deliver the same messages to everybody who connects and subscribes. */
export interface Contender {
  readonly port: number
  /** Makes `count` changes in one tick and hands each to everybody who listens to it. */
  publish(count: number): void | Promise<void>
  close(): Promise<void>
}

export interface ContenderDescription {
  readonly title: string
  /** How a load client gets in: see `fan-out/dialect.ts`. */
  readonly dialect: keyof typeof dialects
  /** What runs it instead of this Node; where that is not installed, it does not take part. */
  readonly runtime?: string
  /** `file` is a path for whoever keeps rows on disk. */
  start(file: string): Promise<Contender>
}
