import { recordOfChange, recordsOf } from '../../fan-out/record-spread.ts'
import type { Contender } from '../contender.ts'
import { recordMessage } from '../item.ts'
import { serveRooms } from '../socket-io.ts'

/** A Socket.IO room for each record. */
export function startSocketIoRecords(): Promise<Contender> {
  return serveRooms({
    roomsOf: (client) => recordsOf(client).map(roomOf),
    toldOf: (n) => {
      const id = recordOfChange(n)
      return { room: roomOf(id), message: recordMessage(n, id) }
    },
  })
}

function roomOf(id: string): string {
  return `record:${id}`
}
