// Loaded into the board's process before the board (`--import`): of a request with `x-hold-answer: FILE`, the answer is written
// into FILE in place of being sent, and nothing more comes. So a server can be killed when everything is done but its answer.
import { subscribe } from 'node:diagnostics_channel'
import { writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'

subscribe('http.server.request.start', (message) => {
  const { request, response } = message as { request: IncomingMessage; response: ServerResponse }
  const file = request.headers['x-hold-answer']
  if (typeof file !== 'string') return
  const hold = (body: unknown): boolean => {
    writeFileSync(file, body as Uint8Array)
    return false
  }
  response.write = hold
  response.end = hold as never
})
