import { createManualClock, drainMicrotasks } from '@dnr/testing'
import { expect, test } from 'vitest'
import type { Connection } from '../../src/connection/connection.ts'
import { createQueueRoom, emptyQueue } from '../../src/connection/queue-room.ts'

/** A queue of 1,000 bytes, and who says something into it. */
function setting() {
  const clock = createManualClock()
  const fits = createQueueRoom(1_000, clock)
  const socket = { bufferedBytes: 0 }
  const connection = { socket, queue: emptyQueue() } as unknown as Connection
  const say = (bytes: number): boolean => {
    const isTaken = fits(connection, bytes)
    if (isTaken) socket.bufferedBytes += bytes
    return isTaken
  }
  /** One tick: how many were taken. */
  const tick = async (...said: number[]): Promise<number> => {
    const taken = said.filter(say).length
    await drainMicrotasks()
    return taken
  }
  return { clock, socket, tick }
}

test('one tick may say more than the queue holds to a reader who kept up, and the limit counts beside what is left', async () => {
  const { socket, tick } = setting()
  socket.bufferedBytes = 500
  expect(await tick(400, 400, 400, 400)).toBe(4)
  socket.bufferedBytes -= 300
  expect(await tick(600, 600, 100)).toBe(3)
  expect(await tick(1)).toBe(0)
  // Once that is taken there is only the limit again.
  socket.bufferedBytes = 800
  expect(await tick(200, 1)).toBe(1)
  socket.bufferedBytes = 400
  expect(await tick(2_000)).toBe(1)
})

test('a reader who had half of a queue to read has no more than the queue', async () => {
  const { socket, tick } = setting()
  socket.bufferedBytes = 501
  expect(await tick(400, 99)).toBe(2)
  expect(await tick(1)).toBe(0)
})

test('a reader who takes nothing is not told more than the limit after such a tick', async () => {
  const { tick } = setting()
  expect(await tick(900, 900, 900)).toBe(3)
  expect(await tick(900, 101, 100)).toBe(2)
})

test('what one tick left is to be taken in time', async () => {
  const { clock, socket, tick } = setting()
  await tick(2_000, 2_000)
  socket.bufferedBytes = 2_000
  await clock.advance(29_999)
  expect(await tick(10)).toBe(1)
  await clock.advance(1)
  expect(await tick(10)).toBe(0)
})
