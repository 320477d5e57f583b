// One HTTP request that may never be answered: `null` then, and the caller cannot know what became of it.
import { type Agent, request } from 'node:http'

export interface Asked {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly token?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  /** @default 3_000 */
  readonly timeoutMs?: number
}

export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Readonly<Record<string, unknown>>
}

/** Never rejects. An answer that breaks off before its end is none. */
export function ask(agent: Agent, port: number, asked: Asked): Promise<Reply | null> {
  const { method, path, token, headers = {}, body, timeoutMs = 3_000 } = asked
  return new Promise((resolve) => {
    const own = request({
      agent,
      method,
      path,
      host: '127.0.0.1',
      port,
      signal: AbortSignal.timeout(timeoutMs),
      headers: { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...headers },
    })
    own.on('error', () => resolve(null))
    own.on('close', () => resolve(null))
    own.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('error', () => resolve(null))
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const isJson = response.headers['content-type']?.includes('json') === true
        const text = Buffer.concat(chunks).toString()
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers as Record<string, string | undefined>,
          body: isJson ? (JSON.parse(text) as Record<string, unknown>) : {},
        })
      })
    })
    own.end(body === undefined ? undefined : JSON.stringify(body))
  })
}
