// What each action of a program does to the world.
import { describeOperation, isOfPeople, type Operation } from '../program/operation.ts'
import { actWithPeople } from './act-with-people.ts'
import { changeRights } from './change-rights.ts'
import { readHeadOffset } from './committed-changes.ts'
import { runOtherProgram } from './other-program.ts'
import { request } from './request.ts'
import { attempt, writeAlone, writeMany, writeTogether } from './server-writes.ts'
import type { ServerProcess } from './server-process.ts'
import type { World } from './world.ts'

/** Carries out an action; what it starts goes on by itself. */
export function perform(world: World, operation: Operation): void {
  const { clock, network, storage, checker } = world
  world.note(`· ${describeOperation(operation).trim()}`)
  const later = (forMs: number, undo: () => void): void => void clock.setTimeout(undo, forMs)
  if (isOfPeople(operation)) return act(world, operation)
  switch (operation.do) {
    case 'open':
    case 'close':
    case 'listen':
    case 'unlisten':
    case 'bare-subscribe':
    case 'bare-unsubscribe':
    case 'create':
    case 'update':
    case 'delete':
    case 'disconnect':
    case 'connect':
    case 'wake':
    case 'reload':
    case 'twin':
      return act(world, operation)
    case 'http':
    case 'announce':
    case 'bulk':
    case 'write':
    case 'transaction':
    case 'restart':
    case 'trim':
      return useServer(world, operation)
    case 'link': {
      const link = network.host(`u${operation.client}`).link
      if (operation.fault === 'zombie' && link?.isAlive === true) world.count('zombie connection')
      return link?.suffer(operation.fault, operation.forMs)
    }
    case 'cut-inside':
      return void world.cutInside.add(`u${operation.client}`)
    case 'refuse': {
      const host = network.host(`u${operation.client}`)
      host.isRefused = true
      world.count('connections refused')
      return later(operation.forMs, () => void (host.isRefused = false))
    }
    case 'weather':
      world.count('bad weather')
      network.setWeather(operation.weather)
      return later(operation.forMs, () => network.setWeather({}))
    case 'suspend': {
      const client = world.clients[operation.client]
      if (client !== undefined) world.count('page suspended')
      client?.suspend()
      return later(operation.forMs, () => client?.resume())
    }
    case 'slow': {
      const link = network.host(`u${operation.client}`).link
      link?.stall('to-client')
      return later(operation.forMs, () => link?.resume('to-client'))
    }
    case 'crash':
      return world.crash(operation.at, operation.downMs)
    case 'crash-at':
      storage.crashPlan = {
        left: operation.statement,
        executed: operation.executed,
        place: world.placeAt(operation.at),
        crash: () => world.crash(operation.at, operation.downMs),
      }
      return
    case 'program':
      return void attempt(world, () => runOtherProgram(world, operation))
    case 'backup':
      if (!storage.isInTransaction) world.backup = storage.backup()
      return
    case 'restore': {
      const { backup } = world
      if (backup === null) return
      return world.crashAll(operation.downMs, () => {
        for (const kill of world.otherPrograms.running) kill()
        storage.restore(backup)
        const offset = readHeadOffset(storage)
        if (offset < checker.log.head) world.count('position of another history')
        checker.restored(offset)
      })
    }
    case 'busy':
    case 'full':
      storage.trouble = operation.do
      world.count(operation.do === 'busy' ? 'busy database' : 'full database')
      return later(operation.forMs, () => void (storage.trouble = 'none'))
    case 'sink':
      world.sink = { fails: operation.fails, repeats: operation.repeats }
      return
    case 'team':
    case 'open-team':
      return changeRights(world, operation)
    case 'rule':
    case 'lookup':
      return failRules(world, operation)
    case 'clock':
      world.count('clock set')
      return clock.setNow(clock.now() + operation.jumpMs)
  }
}

function failRules(
  { rules, checker, clock }: World,
  operation: Extract<Operation, { do: 'rule' | 'lookup' }>,
): void {
  checker.policiesFail()
  if (operation.do === 'rule') rules.failing = new Set(operation.ids)
  else rules.lookup = operation.trouble
  clock.setTimeout(rules.heal, operation.forMs)
}

type ClientOperation = Extract<Operation, { readonly client: number; readonly do: string }>

function act(world: World, operation: Operation): void {
  const { client: index } = operation as ClientOperation
  const client = world.clients[index]
  if (client === undefined || client.isSuspended) return
  if (isOfPeople(operation)) return actWithPeople(world, client, operation)
  switch (operation.do) {
    case 'open':
      return client.open(operation.slot, operation.entity, operation.where, operation.limit)
    case 'close':
      return client.close(operation.slot)
    case 'listen':
      return client.listen(operation.entity, operation.id)
    case 'unlisten':
      return client.unlisten(operation.entity, operation.id)
    case 'bare-subscribe':
    case 'bare-unsubscribe':
      return client.sayBare(operation)
    case 'create':
    case 'update':
      return client.write(
        operation.do,
        operation.entity,
        operation.id,
        { ...operation.fields },
        'ifVersion' in operation,
      )
    case 'delete':
      return client.write('delete', operation.entity, operation.id, {}, false)
    case 'twin':
      return client.twin(`~twin-${operation.at}~`)
    case 'disconnect':
      return client.client.disconnect()
    case 'connect':
      return client.client.connect()
    case 'wake':
      return client.wake()
    case 'reload':
      client.end()
      world.openTab(index).open(0, 'Task', {}, undefined)
      return
    default:
      return
  }
}

type ServerOperation = Extract<
  Operation,
  { readonly do: 'http' | 'announce' | 'bulk' | 'write' | 'transaction' | 'restart' | 'trim' }
>

/** What takes a server that listens. */
function useServer(world: World, operation: ServerOperation): void {
  const server = world.serverAt(operation.at)
  if (server === null) return
  switch (operation.do) {
    case 'http':
      return request(world, server, `u${operation.client}`, operation)
    case 'announce': {
      const { channel, text } = operation
      world.checker.said(channel, text)
      return void server.realtime.webSockets.broadcast(channel, { type: 'message', payload: { text } })
    }
    case 'bulk':
      return writeMany(world, server, operation.bulk)
    case 'write':
      return writeAlone(world, server, operation.write)
    case 'transaction':
      return writeTogether(world, server, operation)
    case 'restart':
      return restart(world, server, operation)
    case 'trim':
      return trim(world, server, operation.keep)
  }
}

function restart(
  world: World,
  server: ServerProcess,
  { at, downMs }: Extract<Operation, { do: 'restart' }>,
): void {
  void attempt(world, async () => {
    await server.stop()
    // It may have been killed while it was stopping.
    if (world.serverAt(at) === server) world.crash(at, downMs)
  })
}

function trim(world: World, server: ServerProcess, keep: number): void {
  void attempt(world, async () => {
    await server.database.changeLog.trim({ keep })
    world.trims++
  })
}
