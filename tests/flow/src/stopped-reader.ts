import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'

/** A WebSocket client that asks once and reads nothing of what it is told: its system takes what fits there, and no more. */
export async function openStoppedReader(port: number, token: string, message: object) {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const handshake = [
    `GET /ws?token=${token} HTTP/1.1`,
    'Host: localhost',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
  ]
  socket.write(`${handshake.join('\r\n')}\r\n\r\n`)
  await once(socket, 'data')
  socket.pause()
  socket.write(maskedFrame(JSON.stringify(message)))
  return {
    resume: () => void socket.resume(),
    [Symbol.dispose]: () => void socket.destroy(),
  }
}

/** A text frame of 126 to 65,535 bytes under a mask of zeros. */
function maskedFrame(text: string): Buffer {
  const payload = Buffer.from(text)
  const header = Buffer.from([0x81, 0x80 | 126, payload.length >>> 8, payload.length & 255, 0, 0, 0, 0])
  return Buffer.concat([header, payload])
}
