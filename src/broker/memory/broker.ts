import { randomUUID } from 'node:crypto'
import { CeleriacError, type Clock, errorText, type Log } from '../../base/index.ts'
import {
  decodeControlReply,
  encodeControlRequest,
  type NameOptions,
  redisNames,
  taskIdOf,
} from '../../celery/index.ts'
import type { Broker, BrokerListener, ControlOptions, ControlReply, ControlRequest } from '../broker.ts'
import { Bindings } from '../discover.ts'
import { Elsewhere } from '../elsewhere.ts'
import { expecting, ReplyDesk } from '../reply-desk.ts'
import { BrokerStatus } from '../status.ts'
import { readControlKeys } from './control-keys.ts'
import type { MemoryClient, MemoryServer } from './server.ts'

export interface MemoryBrokerOptions {
  readonly name: string
  readonly server: MemoryServer
  readonly clock: Clock
  readonly log: Log
  readonly names?: NameOptions
}

const ADDRESS = 'memory://'
const VERSION = 'in-process'

/** A Broker on a MemoryServer of the same process: the same texts on the same keys as on Redis, without a network. */
export function createMemoryBroker(options: MemoryBrokerOptions): Broker {
  const { server, clock } = options
  const names = redisNames(options.names)
  const status = new BrokerStatus(clock, ADDRESS)
  const desk = new ReplyDesk(clock, options.log)
  const replyRoutingKey = names.ownReplyKey(randomUUID())
  const replyList = names.replyList(replyRoutingKey)
  const bindings = new Bindings(names)
  let listener: BrokerListener | undefined
  /** Since when events cannot be heard. */
  let lostMs: number | undefined

  const serverUp = (): void => {
    if (!status.running) return
    server.subscribe(
      client,
      channel => names.isEventChannel(channel),
      (payload, channel) =>
        listener?.eventMessage({ form: 'envelope', payload, receivedAtMs: clock.now(), channel }),
    )
    server.consume(client, replyList, text => desk.deliver(decodeControlReply(text)))
    status.connected(VERSION)
    if (lostMs !== undefined)
      listener?.gapEnded({ reason: 'connection_lost', fromMs: lostMs, toMs: clock.now() })
    lostMs = undefined
  }
  const client: MemoryClient = {
    serverUp,
    serverDown() {
      if (status.state.state === 'connected') lostMs = clock.now()
      const error = new CeleriacError('BROKER_LOST', 'The in-process broker went down.', {
        hint: 'It comes back by itself.',
      })
      desk.abandon(error)
      status.failed(error)
    },
  }
  const connected = (): void => {
    if (status.state.state !== 'connected') throw status.unavailable()
  }

  return {
    name: options.name,
    transport: 'memory',
    address: ADDRESS,
    get state() {
      return status.state
    },
    start(to) {
      status.start(to)
      listener = to
      // States arrive after `start` has returned, as they do from a network.
      queueMicrotask(() => {
        if (!status.running) return
        try {
          server.attach(client)
        } catch (error) {
          status.failed(
            error instanceof CeleriacError ? error : new CeleriacError('INTERNAL', errorText(error)),
          )
          return
        }
        if (server.isUp) serverUp()
        else client.serverDown()
      })
    },
    ready: timeoutMs => status.ready(timeoutMs),
    async stop() {
      server.detach(client)
      if (server.isUp) server.remove(replyList)
      status.stopped()
      desk.abandon(status.unavailable())
    },
    async control(request: ControlRequest, waitOptions: ControlOptions): Promise<readonly ControlReply[]> {
      connected()
      const ticket = randomUUID()
      const answers = desk.await(ticket, expecting(request, waitOptions))
      server.publish(
        names.controlChannel,
        encodeControlRequest(
          {
            method: request.method,
            arguments: request.arguments ?? {},
            destination: request.destination ?? null,
            ticket,
            replyTo: { exchange: '', routingKey: replyRoutingKey },
          },
          { deliveryTag: randomUUID(), exchange: names.controlExchange },
        ),
      )
      return answers
    },
    async discoverQueues() {
      connected()
      const tables = server
        .keys()
        .filter(key => key.startsWith(names.bindingPrefix))
        .map(key => [key.slice(names.bindingPrefix.length), server.members(key)] as const)
      return bindings.replace(tables)
    },
    async readQueues(queues) {
      connected()
      return queues.map(queue => {
        const filled = names.queueLists(queue).filter(list => server.length(list) > 0)
        return {
          queue,
          depth: filled.reduce((sum, list) => sum + server.length(list), 0),
          heads: filled.map(list => taskIdOf(server.peek(list, 'oldest'))),
          newest: filled.map(list => taskIdOf(server.peek(list, 'newest'))),
          deliveredTotal: null,
          unacked: 0,
          consumers: null,
        }
      })
    },
    async readServer() {
      connected()
      return {
        version: VERSION,
        memoryUsedBytes: server.memoryUsedBytes,
        memoryMaxBytes: server.maxMemoryBytes,
        connectedClients: server.clients,
        maxClients: server.maxClients,
        evictedKeysTotal: 0,
        maxmemoryPolicy: 'noeviction',
        roundTripSeconds: 0,
        blockedConsumers: null,
        // What is taken is gone: nothing is ever delivered and kept.
        unacked: 0,
        unackedOldestAgeSeconds: 0,
        unackedOverdue: 0,
        redeliveryTimeoutSeconds: null,
        alarms: server.isFull ? ['memory'] : [],
      }
    },
    async readControlKeys() {
      connected()
      return readControlKeys(server, names)
    },
    async listenElsewhere(ms) {
      connected()
      const elsewhere = new Elsewhere(names)
      const unsubscribe = server.overhear(channel => elsewhere.hear(channel))
      await new Promise<void>(resolve => {
        clock.after(ms, resolve)
      })
      unsubscribe()
      connected()
      return elsewhere.places()
    },
  }
}
