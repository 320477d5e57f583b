export interface Answer<Body = Record<string, unknown>> {
  readonly status: number
  readonly headers: Headers
  readonly body: Body
}

/** The board's HTTP interface as one user has it; without a name, as nobody. */
export interface BoardApi {
  readonly token: string
  request<Body = Record<string, unknown>>(
    method: string,
    path: string,
    options?: { readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> },
  ): Promise<Answer<Body>>
  /** Creates a task and answers it. */
  create(
    fields: Readonly<Record<string, unknown>>,
  ): Promise<{ readonly id: string; readonly version: number }>
}

export async function signInToBoard(url: string, name: string, team: string): Promise<BoardApi> {
  const { body } = await boardApi(url, '').request<{ token: string }>('POST', '/api/session', {
    body: { name, team },
  })
  return boardApi(url, body.token)
}

export function boardApi(url: string, token: string): BoardApi {
  const request: BoardApi['request'] = async (method, path, { body, headers } = {}) => {
    const response = await fetch(url + path, {
      method,
      headers: { ...(token !== '' && { authorization: `Bearer ${token}` }), ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.includes('json') === true
    const parsed = (isJson ? JSON.parse(text) : { text }) as never
    return { status: response.status, headers: response.headers, body: parsed }
  }
  return {
    token,
    request,
    async create(fields) {
      const { status, body } = await request('POST', '/api/Task', { body: fields })
      if (status !== 201) throw new Error(`The board answered ${status}: ${JSON.stringify(body)}`)
      return body as { id: string; version: number }
    },
  }
}
