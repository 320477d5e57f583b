// Broken variants of the hub that tell people, words and answers over HTTP to those who may not hear of them. Each wraps a port.
import { DnrError } from '@dnr/protocol'
import type { EntityStore, PluginHost, PluginMessage, PluginSession, ServerPlugin } from '@dnr/server'
import type { PlantedBug } from './planted-bug.ts'
import { onMutate } from './planted-ports.ts'

export const PLANTED_LEAKS: readonly PlantedBug[] = [
  {
    name: 'says once more who is here when rights have ended',
    plugin: (plugin) =>
      onSession(plugin, (session, host, lastSync) => ({
        ...session,
        unsubscribed(connectionId, channel) {
          session.unsubscribed(connectionId, channel)
          const sync = lastSync(channel)
          if (sync !== undefined) host.send([connectionId], sync)
        },
      })),
  },
  {
    name: 'lets everybody join every board',
    hears: (answer, _, channel) => answer || channel.startsWith('presence:'),
  },
  {
    name: 'does not tell who was asked about what it missed',
    plugin: (plugin) => onSession(plugin, (session) => ({ ...session, rechecked: () => undefined })),
  },
  staysInTheRoom(),
  {
    name: 'answers a list with what it answered before',
    server(server) {
      const answers = new Map<string, Response>()
      const http: typeof server.http = async (request) => {
        if (request.method !== 'GET') return server.http(request)
        const key = `${request.headers.get('authorization')} ${request.url}`
        const known = answers.get(key) ?? (await server.http(request))
        if (known.ok) answers.set(key, known)
        return known.clone()
      }
      return { ...server, http }
    },
  },
  showsTheCurrentRow(),
  {
    name: 'names the row that it hides',
    store: (store) =>
      onMutate(store, async (mutation, context) => {
        try {
          return await store.mutate(mutation, context)
        } catch (error) {
          const row = mutation.id === undefined ? null : await store.get(mutation.id)
          if (row === null || !(error instanceof DnrError) || error.code !== 'not_found') throw error
          throw new DnrError('busy', `${JSON.stringify(row)} is not yours.`, { retryable: true })
        }
      }),
  },
]

/** Whoever could hear a room once can hear it for ever. */
function staysInTheRoom(): PlantedBug {
  const known = new Set<string>()
  return {
    name: 'goes on talking to who has lost the right to a room',
    hears(answer, user, channel) {
      const key = `${user} ${channel}`
      if (answer) known.add(key)
      return answer || (channel.startsWith('room:') && known.has(key))
    },
    sink(sink) {
      known.clear()
      return sink
    },
  }
}

/** A version that does not fit is told of with the row as it is, whoever asks. */
function showsTheCurrentRow(): PlantedBug {
  const stores = new Map<string, EntityStore>()
  return {
    name: 'shows the row of now to whom its version is refused, without asking who may see it',
    store(store) {
      stores.set(store.entity.name, store)
      return store
    },
    server: (server) => ({
      ...server,
      async http(request) {
        const answer = await server.http(request)
        const [entity = '', id = ''] = new URL(request.url).pathname.split('/').slice(-2)
        if (answer.status !== 404 || request.headers.get('if-match') === null) return answer
        const current = await stores.get(entity)?.get(decodeURIComponent(id))
        if (current == null) return answer
        const headers = { 'content-type': 'application/problem+json' }
        return new Response(JSON.stringify({ code: 'version_conflict', current }), { status: 412, headers })
      },
    }),
  }
}

/** Changes a plugin's session, which may look at what was said last on a channel. */
function onSession(
  plugin: ServerPlugin,
  change: (
    session: PluginSession,
    host: PluginHost,
    lastSync: (channel: string) => PluginMessage | undefined,
  ) => PluginSession,
): ServerPlugin {
  const syncs = new Map<string, PluginMessage>()
  return {
    ...plugin,
    start(host) {
      const watched: PluginHost = {
        ...host,
        send(connectionIds, message) {
          const { requestId: _, ...sync } = message
          if (message.type === 'presence:sync' && message.channel !== undefined)
            syncs.set(message.channel, sync)
          host.send(connectionIds, message)
        },
      }
      return change(plugin.start(watched), host, (channel) => syncs.get(channel))
    },
  }
}
