// A socket of `ws` on port 0 keeps the contract of a server's socket.
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { socketContract } from '@dnr/testing'
import { describe, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import type { ServerSocket } from '../../src/ports/server-socket.ts'
import { createTickFlush } from '../../src/transport/tick-flush.ts'
import { createWsSocket, listen } from '../../src/transport/ws-socket.ts'

describe('the ws adapter', () => {
  test.each(socketContract)('$name', ({ run }) =>
    run(async (events) => {
      const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
      await once(server, 'listening')
      const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
      const flush = createTickFlush()
      const accepted = new Promise<ServerSocket>((resolve) => {
        server.on('connection', (ws, request) => {
          if (request.url === '/echo') return void ws.on('message', (data) => ws.send(data))
          const socket = createWsSocket(ws, request.socket, flush)
          listen(socket, events)
          resolve(socket)
        })
      })
      const client = new WebSocket(url)
      const received: string[] = []
      let closedWith: number | null = null
      client.on('message', (data) => received.push((data as Buffer).toString()))
      client.on('close', (code) => {
        closedWith = code
      })
      const echo = new WebSocket(`${url}/echo`)
      const socket = await accepted
      if (echo.readyState !== WebSocket.OPEN) await once(echo, 'open')
      return {
        socket,
        peer: {
          received,
          get closedWith() {
            return closedWith
          },
          send: (text) => client.send(text),
          close: (code) => client.close(code),
        },
        // What was sent before a few round trips over loopback has arrived after them.
        async settle() {
          for (let trip = 0; trip < 10; trip++) {
            echo.send('?')
            await once(echo, 'message')
          }
        },
        async [Symbol.asyncDispose]() {
          for (const each of server.clients) each.terminate()
          client.terminate()
          server.close()
          await once(server, 'close')
        },
      }
    }),
  )
})
