import type { ClientMessage } from '@dnr/protocol'
import type { PluginHost, ServerPlugin } from '../../src/ports/server-plugin.ts'

/** Asks of each message about presence whether its sender may be there, as presence does; `told`: what it heard, and what came of it. */
export function admittingPlugin(told: string[]): ServerPlugin {
  return {
    name: 'admitting',
    messageTypes: ['presence:join', 'presence:update'],
    channelKinds: ['presence'],
    start: (host: PluginHost) => ({
      async message(connectionId, message: ClientMessage) {
        const { type, channel, requestId } = message as Extract<ClientMessage, { type: 'presence:join' }>
        const options = { quiet: true, ...(requestId === undefined ? {} : { requestId }) } as const
        const outcome = await host.subscribe(connectionId, channel as `presence:${string}`, options)
        told.push(`${type.slice('presence:'.length)} ${outcome}`)
      },
      subscribed: () => void told.push('subscribed'),
      unsubscribed: () => void told.push('unsubscribed'),
      rechecked: () => void told.push('rechecked'),
      disconnected: () => undefined,
      stop: () => undefined,
    }),
  }
}
