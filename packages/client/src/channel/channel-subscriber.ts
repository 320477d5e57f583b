// Second station of a frame's way in. Holds the subscriptions on the wire by name, and asks for all of them after every reconnect. It
// keeps no rows: those go on to collection/. Who shares a subscription is decided in shares.ts.
import type { DnrError, ServerMessage } from '@dnr/protocol'
import {
  createWireSubscription,
  type Sink,
  type View,
  type WireSubscription,
  type WireSubscriptionOptions,
} from './wire-subscription.ts'

export interface ChannelSubscriberOptions extends WireSubscriptionOptions {
  send(message: object): DnrError | null
}

export interface ChannelSubscriber {
  /** Subscribes as soon as there is a connection; the undo unsubscribes. */
  open(view: View, sink: Sink): () => void
  receive(message: ServerMessage): void
  /** The connection is up, or gone. */
  ready(isReady: boolean): void
  /** Somebody else is connected: what the former user was shown is shown no more. */
  forget(): void
  /** Fails every subscription for good, those to come too. */
  close(error: DnrError): void
}

export function createChannelSubscriber(options: ChannelSubscriberOptions): ChannelSubscriber {
  const subscriptions = new Map<string, WireSubscription>()
  let isReady = false
  let closed: DnrError | null = null
  const vacate = (): void => subscriptions.forEach(({ vacated }) => vacated())

  return {
    open(view, sink) {
      const { channel, key } = view
      const subscription = createWireSubscription(view, sink, options, vacate)
      const name = nameOf(channel, key)
      subscriptions.set(name, subscription)
      if (closed) subscription.fail(closed)
      if (isReady) subscription.ready(true)
      return () => {
        if (!subscriptions.delete(name)) return
        subscription.ready(false)
        // The id tells its answer from the server's own `unsubscribed`, which a later subscription would take for its end.
        if (!isReady) return
        options.send({ type: 'unsubscribe', channel, payload: { subscription: key }, requestId: 'u' })
        vacate()
      }
    },
    receive(message) {
      if (message.type === 'pong') {
        const { position } = message
        if (position) subscriptions.forEach(({ reached }) => reached(position))
        return
      }
      const { channel, subscription } = message as { channel?: string; subscription?: string }
      subscriptions.get(nameOf(channel, subscription))?.receive(message)
    },
    ready(now) {
      isReady = now
      subscriptions.forEach(({ ready }) => ready(now))
    },
    forget() {
      subscriptions.forEach(({ forget }) => forget())
    },
    close(error) {
      closed = error
      subscriptions.forEach(({ fail }) => fail(error))
      subscriptions.clear()
    },
  }
}

function nameOf(channel: string | undefined, key = ''): string {
  return `${key} ${channel}`
}
