import { connect } from 'node:net'
import type { Dialect } from './dialect.ts'
import { clientFrame, createFrameReader } from './frame-reader.ts'

export interface LoadClient {
  /** Sends a message. */
  say(text: string): void
  close(): void
}

/** A WebSocket client that only counts: a plain TCP socket, no JSON, no objects per message. */
export function startLoadClient(
  port: number,
  client: number,
  dialect: Dialect,
  delivered: () => void,
): Promise<LoadClient> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const opened: LoadClient = {
      say: (text) => void socket.write(clientFrame(text)),
      close: () => socket.destroy(),
    }
    let readyFrames = 0
    const deliveredHead = Buffer.from(dialect.delivered)
    const reader = createFrameReader((opcode, head) => {
      if (opcode === 1 && head.subarray(0, deliveredHead.length).equals(deliveredHead)) return delivered()
      if (opcode === 9) return void socket.write(clientFrame('', 10))
      const text = head.toString('latin1')
      if (opcode !== 1) return reject(new Error(`unexpected frame ${opcode} ${text}`))
      for (const answer of dialect.answers(text, client)) opened.say(answer)
      const { ready } = dialect
      if (ready !== null && text.startsWith(ready.head) && ++readyFrames === ready.times) resolve(opened)
    })
    let response = ''
    const readResponse = (chunk: Buffer): void => {
      response += chunk.toString('latin1')
      const end = response.indexOf('\r\n\r\n')
      if (end === -1) return
      if (!response.startsWith('HTTP/1.1 101')) return reject(new Error(response.slice(0, 200)))
      socket.off('data', readResponse)
      socket.on('data', reader.read)
      if (dialect.ready === null) resolve(opened)
      reader.read(Buffer.from(response.slice(end + 4), 'latin1'))
    }
    socket.on('data', readResponse)
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('the server closed the connection')))
    socket.write(
      `GET ${dialect.path(client)} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    )
  })
}
