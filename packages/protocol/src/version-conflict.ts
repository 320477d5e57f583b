import { DnrError } from './dnr-error.ts'

/** The row moved on since the version that the writer had seen; `current` is the row as it is now. */
export class VersionConflict<Row = unknown> extends DnrError {
  override readonly name = 'VersionConflict'
  declare readonly current: Row

  constructor(current: Row, expectedVersion: number, currentVersion: number) {
    super('version_conflict', `The row is at version ${currentVersion}, expected ${expectedVersion}.`, {
      details: { expectedVersion, currentVersion },
    })
    this.current = current
  }
}
