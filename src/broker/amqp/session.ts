import { randomUUID } from 'node:crypto'
import type { Channel } from 'amqplib'
import { type Cancel, CeleriacError, type Clock, type Log } from '../../base/index.ts'
import { readControlReply } from '../../celery/index.ts'
import type { ReplyDesk } from '../reply-desk.ts'
import { watchForSilence } from '../silence.ts'
import type { AmqpTarget } from '../url.ts'
import { type AmqpConnection, openConnection } from './connection.ts'
import { amqpError } from './errors.ts'
import { type EventQueue, OWN_PREFIX } from './event-queue.ts'
import { envelopeOf } from './message.ts'
import { Publisher } from './publisher.ts'
import { QueueReader } from './queue-reader.ts'

/** What messages to ourselves are marked with: they ask whether the broker takes any, and are no replies. */
export const PROBE_TYPE = `${OWN_PREFIX}probe`

/** Everything of one life of a broker: opened together, lost together. */
export interface Session {
  /** What we hear and ask. Nothing is published on it, so that the broker never stops reading it. */
  readonly events: AmqpConnection
  readonly requests: AmqpConnection
  readonly publisher: Publisher
  readonly reader: QueueReader
  /** For questions that never end it. */
  readonly channel: Channel
  readonly replyQueue: string
  /** False: the event queue was not there any more, and what came meanwhile is lost. */
  readonly continued: boolean
  /** Ends both connections at once. */
  destroy(): void
}

export interface SessionOptions {
  readonly target: AmqpTarget
  readonly queue: EventQueue
  readonly desk: ReplyDesk
  readonly clock: Clock
  readonly log: Log
  /** Hears once why the session is over; it is destroyed by then. */
  readonly onLost: (error: CeleriacError) => void
}

/**
 * Opens both connections and prepares the queues of events and replies. Rejects with a CeleriacError or with what the server said,
 * and then nothing is left open.
 */
export async function openSession(options: SessionOptions): Promise<Session> {
  const { target, queue, desk, clock, log } = options
  const connections: AmqpConnection[] = []
  let over = false
  const destroy = (): void => {
    over = true
    for (const connection of connections) connection.destroy()
  }
  const lost = (error: CeleriacError): void => {
    if (over) return
    destroy()
    options.onLost(error)
  }
  const open = async (): Promise<AmqpConnection> => {
    const connection = await openConnection(target, clock, lost)
    connections.push(connection)
    return connection
  }
  try {
    const events = await open()
    const requests = await open()
    const continued = await queue.prepare(events)
    const replyQueue = await consumeReplies(events, desk, lost)
    return {
      events,
      requests,
      publisher: new Publisher(requests, target, clock),
      reader: new QueueReader(events, target, clock, log),
      channel: await events.openChannel(),
      replyQueue,
      continued,
      destroy,
    }
  } catch (error) {
    destroy()
    throw error
  }
}

async function consumeReplies(
  connection: AmqpConnection,
  desk: ReplyDesk,
  onLost: (error: CeleriacError) => void,
): Promise<string> {
  const channel = await connection.openChannel()
  // A new name each time: the server may not have noticed yet that the connection which owned the last one is dead.
  const replyQueue = `${OWN_PREFIX}replies.${randomUUID()}`
  await channel.assertQueue(replyQueue, { exclusive: true, autoDelete: true, durable: false })
  await channel.consume(
    replyQueue,
    message => {
      if (message === null)
        onLost(new CeleriacError('BROKER_LOST', `The queue ${replyQueue} was deleted in the broker.`))
      else if (message.properties.type !== PROBE_TYPE) desk.deliver(readControlReply(envelopeOf(message)))
    },
    { noAck: true },
  )
  return replyQueue
}

/** Asks every second how much waits in the event queue, which also proves that the server lives; told are the answers and the end. */
export function watchSession(
  session: Session,
  options: SessionOptions,
  hear: {
    readonly waiting: (messages: number) => void
    readonly silent: () => void
    readonly lost: (error: CeleriacError) => void
  },
): Cancel {
  const { target, queue, clock } = options
  return watchForSilence({
    clock,
    received: () => queue.received,
    async ask() {
      try {
        const { messageCount } = await session.channel.checkQueue(queue.name)
        hear.waiting(messageCount)
        return true
      } catch (error) {
        hear.lost(amqpError(error, target, true))
        return false
      }
    },
    onSilence(error) {
      hear.silent()
      hear.lost(amqpError(error, target, true))
    },
  })
}
