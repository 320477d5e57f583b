import { createServer } from 'node:http'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { defineEntity } from '@dnr/protocol'
import { z } from 'zod'
import { WebSocketServer } from 'ws'
import { createRealtimeServer } from './src/server/create-realtime-server.ts'
import { policies } from './src/policy/policies.ts'
import { allow } from './src/policy/rule.ts'
import { attachWebSockets } from './src/ws.ts'

const N = Number(process.env.N ?? 1000)
const mode = process.argv[2]
if (mode === 'client') {
  const port = Number(process.argv[3])
  let got = 0
  const text = Buffer.from('{"type":"subscribe","channel":"entity:Task"}')
  const frame = Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), text])
  for (let i = 0; i < N; i++) {
    const s = connect(port, '127.0.0.1')
    s.write(`GET /ws?token=u${i} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: dnr.v1\r\n\r\n`)
    s.once('data', () => { s.write(frame); })
    s.on('data', () => {})
    if (i % 50 === 49) await new Promise((r) => setTimeout(r, 20))
  }
} else {
  const groups = Number(process.env.GROUPS ?? 1)
  const http = createServer()
  const Task = defineEntity('Task', z.object({ id: z.string(), title: z.string(), team: z.string() }))
  const row = (v: number) => ({ id: 't1', version: v, title: 'x'.repeat(150), team: 'red' })
  let publish: (n: number) => void
  let count: () => number
  const gc = (globalThis as any).gc
  gc?.(); await new Promise((r) => setTimeout(r, 200)); gc?.()
  const heap0 = process.memoryUsage()
  if (mode === 'ws') {
    const wss = new WebSocketServer({ server: http, perMessageDeflate: false })
    const subs = new Set<any>()
    wss.on('connection', (ws) => { ws.on('message', () => subs.add(ws)); ws.on('close', () => subs.delete(ws)); ws.on('error', () => {}) })
    let offset = 0
    publish = (n) => {
      for (let i = 0; i < n; i++) {
        offset++
        const text = JSON.stringify({ type: 'entity:updated', channel: 'entity:Task', payload: row(offset), position: { epoch: 'eeeeeeeeeeeeeeeeeeeee', offset }, timestamp: Date.now() })
        for (const ws of subs) ws.send(text)
      }
    }
    count = () => subs.size
  } else {
    const realtime = createRealtimeServer<any>({
      authenticate: ({ token }) => ({ id: token! }),
      limits: { maxConnectionsPerAddress: null },
      policies: policies(allow(Task, (user: any) => user && { key: String(Number(user.id.slice(1)) % groups), sees: (task) => task.team === 'red' })),
    })
    attachWebSockets(realtime, http, { path: '/ws' })
    let offset = 0
    publish = (n) => {
      for (let i = 0; i < n; i++) {
        offset++
        realtime.eventBus.publish([{ entity: 'Task', id: 't1', operation: 'updated', version: offset, before: row(offset - 1), after: row(offset), mutationId: null, actor: null, at: 0, position: { epoch: 'eeeeeeeeeeeeeeeeeeeee', offset }, transaction: offset, last: true }])
      }
    }
    count = () => realtime.channels.subscriptionCount
  }
  http.listen(0)
  await once(http, 'listening')
  const cpuC = process.cpuUsage()
  const child = fork(import.meta.filename, ['client', String((http.address() as any).port)], { execArgv: process.execArgv.filter((a) => a !== '--expose-gc') })
  while (count() < N) await new Promise((r) => setTimeout(r, 50))
  const used = process.cpuUsage(cpuC)
  await new Promise((r) => setTimeout(r, 300))
  gc?.(); gc?.()
  const heap1 = process.memoryUsage()
  console.log(mode, 'groups', groups, 'connect cpu ms/conn', ((used.user + used.system) / 1000 / N).toFixed(3), 'heap B/conn', Math.round((heap1.heapUsed - heap0.heapUsed) / N), 'ext', Math.round((heap1.external - heap0.external) / N), 'rss', Math.round((heap1.rss - heap0.rss) / N))
  for (const [label, burst, rounds] of [['warm', 1, 50], ['1 in flight', 1, 150], ['16 per tick', 16, 60]] as const) {
    const before = process.cpuUsage()
    for (let i = 0; i < rounds; i++) { publish(burst); await new Promise((r) => setTimeout(r, 12)) }
    const cpu = process.cpuUsage(before)
    console.log('  ', label, ((cpu.user + cpu.system) / (rounds * burst * N)).toFixed(3), 'us per delivered message')
  }
  child.kill(); process.exit(0)
}
