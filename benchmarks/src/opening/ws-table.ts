import { createServer } from 'node:http'
import Database from 'better-sqlite3'
import { WebSocketServer } from 'ws'
import { itemRow } from '../contenders/item.ts'
import { listenOnFreePort } from '../contenders/listen-on-free-port.ts'
import { ITEM_DDL } from '../writes/writer.ts'
import type { OpeningContender } from './opening-contenders.ts'

/** All rows in one message, as one would write it first. No permissions, no position to go on from. */
export async function startWsTable(file: string, rows: number): Promise<OpeningContender> {
  const database = new Database(file)
  database.pragma('journal_mode = WAL')
  database.exec(ITEM_DDL)
  const insert = database.prepare(
    'INSERT INTO Item VALUES (:id, :title, :status, :team, :rank, :notes, :version)',
  )
  database.transaction(() => {
    for (let n = 0; n < rows; n++) insert.run({ ...itemRow(n), id: `item-${n}` })
  })()
  const all = database.prepare('SELECT * FROM Item ORDER BY id')
  const http = createServer()
  const sockets = new WebSocketServer({ server: http })
  sockets.on('connection', (socket) => {
    socket.send(JSON.stringify({ type: 'connected' }))
    socket.on('message', () => {
      const payload = { snapshot: { rows: all.all(), more: false } }
      socket.send(JSON.stringify({ type: 'subscribed', channel: 'entity:Item', payload }))
    })
  })
  const port = await listenOnFreePort(http)
  return {
    port,
    close: async () => {
      for (const socket of sockets.clients) socket.terminate()
      sockets.close()
      http.closeAllConnections()
      database.close()
    },
  }
}
