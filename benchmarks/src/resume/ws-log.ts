// Plain `ws` servers that bring a client up to date. Neither channels nor permissions.
import { createServer } from 'node:http'
import type { Duplex } from 'node:stream'
import Database from 'better-sqlite3'
import { WebSocketServer, type WebSocket } from 'ws'
import { type ItemRow, itemRow } from '../contenders/item.ts'
import { listenOnFreePort } from '../contenders/listen-on-free-port.ts'
import { textFrame } from '../contenders/prepared-frame.ts'
import { RESUME_ROWS, type ResumeContender } from './resume-contender.ts'

/** As one would write it first: each client's changes are queried, and each becomes a message of its own. */
export async function startWsQuery(file: string, changes: number): Promise<ResumeContender> {
  const database = openLog(file, changes)
  const missed = database.prepare('SELECT * FROM log WHERE "offset" > ? ORDER BY "offset"')
  const server = await listen((socket, { after }) => {
    for (const row of missed.all(after)) socket.send(JSON.stringify(messageOf(row as LogRow)))
  })
  return {
    ...server,
    request: (count) => JSON.stringify({ after: changes - count }),
    close: async () => {
      await server.close()
      database.close()
    },
  }
}

/** The messages are kept as text, so that nothing is queried or serialised again. */
export async function startWsStrings(file: string, changes: number): Promise<ResumeContender> {
  const database = openLog(file, changes)
  const rows = database.prepare('SELECT * FROM log ORDER BY "offset"').all() as LogRow[]
  database.close()
  const texts = rows.map((row) => JSON.stringify(messageOf(row)))
  const server = await listen((socket, { after }) => {
    for (let at = after; at < texts.length; at++) socket.send(texts[at] as string)
  })
  return { ...server, request: (count) => JSON.stringify({ after: changes - count }) }
}

type LogRow = ItemRow & { readonly offset: number }

function openLog(file: string, changes: number): Database.Database {
  const database = new Database(file)
  database.pragma('journal_mode = WAL')
  database.exec(`CREATE TABLE log ("offset" INTEGER PRIMARY KEY, id TEXT, title TEXT, status TEXT, team TEXT, rank REAL,
    notes TEXT, version INTEGER)`)
  const insert = database.prepare(
    'INSERT INTO log VALUES (NULL, :id, :title, :status, :team, :rank, :notes, :version)',
  )
  database.transaction(() => {
    for (let n = 0; n < changes; n++) insert.run({ ...itemRow(n), id: `item-${n % RESUME_ROWS}` })
  })()
  return database
}

function messageOf({ offset, ...payload }: LogRow): object {
  return {
    type: 'entity:updated',
    channel: 'entity:Item',
    payload,
    position: { epoch: 'V1StGXR8_Z5jdHi6B-myT', offset },
    timestamp: Date.now(),
  }
}

interface Asked {
  readonly after: number
  readonly type?: string
  readonly requestId?: string
}

async function listen(
  answer: (socket: WebSocket, asked: Asked) => void,
  greet: (socket: WebSocket) => void = () => {},
): Promise<Pick<ResumeContender, 'port' | 'close'>> {
  const http = createServer()
  const sockets = new WebSocketServer({ server: http })
  sockets.on('connection', (socket) => {
    greet(socket)
    socket.on('message', (text: Buffer) => answer(socket, JSON.parse(text.toString()) as Asked))
  })
  const port = await listenOnFreePort(http)
  return {
    port,
    close: async () => {
      for (const socket of sockets.clients) socket.terminate()
      sockets.close()
      http.closeAllConnections()
    },
  }
}

/**
 * The floor for a Node server on `ws`: the gap is one buffer of prepared frames, which all sockets share. Nothing bounds
 * what a socket has to keep, and there are neither channels nor permissions.
 */
export async function startSharedBuffer(file: string, changes: number): Promise<ResumeContender> {
  const database = openLog(file, changes)
  const rows = database.prepare('SELECT * FROM log ORDER BY "offset"').all() as LogRow[]
  database.close()
  const frames = rows.map((row) => textFrame(JSON.stringify(messageOf(row))))
  const gaps = new Map<number, Buffer>()
  const server = await listen((socket, { after }) => {
    const gap = gaps.get(after) ?? Buffer.concat(frames.slice(after))
    // Kept for whoever missed the same; of gaps that are all different only the frames can be shared.
    if (gaps.size < 8) gaps.set(after, gap)
    ;(socket as WebSocket & { readonly _socket: Duplex })._socket.write(gap)
  })
  return { ...server, request: (count) => JSON.stringify({ after: changes - count }) }
}

/**
 * Reads what is asked for and does nothing about it; answers a `ping`. Whoever does not resume waits as long in every Node
 * server on `ws`.
 */
export async function startReader(): Promise<ResumeContender> {
  const server = await listen(
    (socket, { type, requestId }) => {
      if (type === 'ping') socket.send(JSON.stringify({ type: 'pong', requestId, timestamp: Date.now() }))
    },
    (socket) => socket.send(JSON.stringify({ type: 'connected' })),
  )
  const payload = { position: { epoch: 'V1StGXR8_Z5jdHi6B-myT', offset: 0 } }
  return { ...server, request: () => JSON.stringify({ type: 'subscribe', channel: 'entity:Item', payload }) }
}
