import type { AddressInfo, Server } from 'node:net'

/** Listens on a free port of the loopback interface and says which. */
export async function listenOnFreePort(server: Server): Promise<number> {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}
