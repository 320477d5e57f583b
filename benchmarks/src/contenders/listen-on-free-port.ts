import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Listens on a free port of the loopback interface and says which. */
export async function listenOnFreePort(http: Server): Promise<number> {
  await new Promise<void>((resolve) => void http.listen(0, '127.0.0.1', resolve))
  return (http.address() as AddressInfo).port
}
