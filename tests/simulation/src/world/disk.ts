// Where the database of a simulation lies: in memory, over one connection that all processes share, which is quick; or in a file,
// where each process has a connection of its own and sees nothing of what another has not committed.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'

export type Driver = InstanceType<typeof Database>

export interface Disk {
  /** For a new process. */
  connect(): Driver
  /** The process is gone, and no transaction of its is open. */
  disconnect(driver: Driver): void
  /** To look at the database from outside. */
  readonly reader: Driver
  /** Puts a backup in the place of the database; nobody is connected. */
  replace(backup: Buffer): void
  /** Ends all connections, and leaves nothing behind. */
  close(): void
}

export function createMemoryDisk(): Disk {
  let driver: Driver = new Database(':memory:')
  return {
    connect: () => driver,
    disconnect: () => undefined,
    get reader() {
      return driver
    },
    replace(backup) {
      driver.close()
      driver = new Database(backup)
    },
    close: () => void driver.close(),
  }
}

export function createFileDisk(): Disk {
  const folder = mkdtempSync(join(tmpdir(), 'dnr-simulation-'))
  const path = join(folder, 'app.db')
  const connections = new Set<Driver>()
  let reader: Driver = new Database(path)
  const disconnect = (driver: Driver): void => {
    connections.delete(driver)
    driver.close()
  }
  const disconnectAll = (): void => {
    reader.close()
    for (const driver of connections) disconnect(driver)
  }
  return {
    connect() {
      const driver = new Database(path)
      connections.add(driver)
      return driver
    },
    disconnect,
    get reader() {
      return reader
    },
    replace(backup) {
      disconnectAll()
      for (const rest of ['-wal', '-shm']) rmSync(path + rest, { force: true })
      writeFileSync(path, backup)
      reader = new Database(path)
    },
    close() {
      disconnectAll()
      rmSync(folder, { recursive: true })
    },
  }
}
