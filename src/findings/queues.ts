import { wordNumber } from '../base/index.ts'
import type { ReadingKind } from './contract.ts'
import { counted, FIRST_SIGNS_MS, type Found, listed, type Rule, type Scene } from './facts.ts'

/** Where Celery parks tasks with an ETA on RabbitMQ: nobody consumes these, by design (celery-wire.md section 10). */
const DELAYED = /^celery_delayed_\d+$/

/** What is wrong with queues, and what of them cannot be read. */
export const queueRules: Rule = scene => [...unread(scene), ...unreadable(scene), ...unknown(scene)]

function unread({ fleet, nowMs }: Scene): readonly Found[] {
  const idle = fleet
    .queues(nowMs)
    .flatMap(({ queue, depth, consumers }) =>
      depth !== null && depth > 0 && consumers === 0 && !DELAYED.test(queue) ? [{ queue, depth }] : [],
    )
    .sort((a, b) => b.depth - a.depth)
  const [deepest] = idle
  if (deepest === undefined) return []
  const messages = idle.reduce((sum, { depth }) => sum + depth, 0)
  return [
    {
      code: 'queue-without-consumer',
      level: 'wrong',
      title: `${idle.length === 1 ? `Queue ${deepest.queue} holds` : `${counted(idle.length, 'queue')} hold`} ${counted(messages, 'message')} and no worker consumes ${idle.length === 1 ? 'it' : 'them'}${idle.length === 1 ? '' : `: ${listed(idle.map(({ queue, depth }) => `${queue} ${wordNumber(depth)}`))}`}.`,
      cost: 'These tasks never run.',
      fix: `Start a worker with -Q ${deepest.queue}, or correct the route that leads there.`,
    },
  ]
}

const UNREADABLE: Readonly<
  Record<Exclude<ReadingKind, 'control'>, Pick<Found, 'code' | 'cost'> & { readonly what: string }>
> = {
  queues: {
    code: 'queues-unreadable',
    what: 'Queue lengths cannot be read',
    cost: 'How many tasks wait is not known.',
  },
  discovery: {
    code: 'discovery-refused',
    what: 'Queues cannot be searched for',
    cost: 'Only queues are known that workers consume, that senders name, or that --queues names.',
  },
  server: {
    code: 'server-unreadable',
    what: 'The state of the server cannot be read',
    cost: 'Memory, connections and evictions of the broker are not known.',
  },
}

function unreadable({ seen, connection, fleet, nowMs }: Scene): readonly Found[] {
  const server = fleet.server(nowMs)
  // It answers, and tells nothing of itself: INFO is forbidden.
  const mute =
    connection.transport === 'redis' && server?.memoryUsedBytes === null && server.connectedClients === null
  return (['queues', 'discovery', 'server'] as const).flatMap(kind => {
    const error =
      seen.outcome(kind) ??
      (kind === 'server' && mute ? { message: 'INFO is not permitted.', hint: undefined } : null)
    if (error === undefined || error === null) return []
    const { what, ...rest } = UNREADABLE[kind]
    const hint =
      error.hint ??
      (connection.transport === 'redis'
        ? 'Allow the user +llen +lrange +scan +sscan +info on the keys of Celery (ACL SETUSER).'
        : undefined)
    return [
      {
        ...rest,
        level: 'missing' as const,
        source: 'broker' as const,
        title: `${what}: ${error.message}`,
        ...(hint === undefined ? {} : { fix: hint }),
      },
    ]
  })
}

function unknown({ fleet, nowMs, connection, connectedMs, seen }: Scene): readonly Found[] {
  // Whether it blocks publishers is found out by publishing, unless we may not.
  const alarmsAreKnown = (fleet.server(nowMs)?.alarms ?? null) !== null
  const found: Found[] = []
  if (connectedMs >= FIRST_SIGNS_MS && fleet.queues(nowMs).length === 0)
    found.push({
      code: 'no-queue',
      level: 'missing',
      source: 'broker',
      title: 'No queue is known.',
      cost: 'Nothing can be said of what waits.',
      fix:
        seen.outcome('discovery') === null
          ? 'Send a task or start a worker once, or name queues with --queues.'
          : 'Name queues with --queues.',
    })
  if (connection.transport === 'amqp' && !connection.managementUrl)
    found.push({
      code: 'management-missing',
      level: 'missing',
      source: 'broker',
      title: "RabbitMQ's management API is not configured.",
      cost: `Unacknowledged messages, deliveries, memory${alarmsAreKnown ? ' and connections' : ', connections and alarms'} of the broker are not known, nor queues that no worker consumes and no sender names.`,
      fix: 'Set managementUrl: http://user:password@host:15672 for this broker in the configuration; the user needs the tag monitoring.',
    })
  return found
}
