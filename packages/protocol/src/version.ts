/** Counts incompatible changes of the wire; `connected` carries it. The schema snapshot test guards it. */
export const PROTOCOL_VERSION = 1

/** The WebSocket subprotocol that the server always selects. */
export const SUBPROTOCOL = 'dnr.v1'
