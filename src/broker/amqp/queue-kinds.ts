import type { ExchangeNames } from '../../celery/index.ts'
import type { ControlKeysReading } from '../broker.ts'
import { MAX_QUEUES } from '../discover.ts'
import { OWN_PREFIX } from './event-queue.ts'
import type { ManagedQueue } from './management.ts'

export type QueueKind = 'task' | 'event' | 'control' | 'reply' | 'other'

/**
 * What a queue is for, by its name and properties (celery-wire.md section 4). `other` are our own, the rooms where RabbitMQ parks
 * tasks with an ETA (`celery_delayed_0` to `_27`, Celery 5.5), results of rpc:// and whatever belongs to one connection.
 */
export function kindOf(queue: ManagedQueue, names: ExchangeNames): QueueKind {
  const { name } = queue
  if (name.startsWith(OWN_PREFIX)) return 'other'
  if (name.endsWith(`.${names.replyExchange}`)) return 'reply'
  if (name.endsWith('.pidbox')) return 'control'
  if (name.startsWith(names.eventQueues)) return 'event'
  if (queue.exclusive || /^celery_delayed_\d+$/.test(name)) return 'other'
  if (queue.autoDelete && queue.expires) return 'other'
  return 'task'
}

export const taskQueues = (queues: readonly ManagedQueue[], names: ExchangeNames): readonly ManagedQueue[] =>
  queues.filter(queue => kindOf(queue, names) === 'task')

/** Names of task queues, sorted, bounded. */
export const taskQueueNames = (queues: readonly ManagedQueue[], names: ExchangeNames): readonly string[] =>
  taskQueues(queues, names)
    .map(queue => queue.name)
    .sort()
    .slice(0, MAX_QUEUES)

/** Counts the queues of events, remote control and replies; one without consumers that never expires is an orphan. */
export function controlKeys(
  queues: readonly ManagedQueue[],
  names: ExchangeNames,
): readonly ControlKeysReading[] {
  const readings = new Map<string, { -readonly [K in keyof ControlKeysReading]: ControlKeysReading[K] }>()
  for (const kind of ['event', 'control', 'reply'] as const)
    for (const orphan of [false, true]) readings.set(`${kind} ${orphan}`, { kind, orphan, keys: 0, bytes: 0 })
  for (const queue of queues) {
    const orphan = queue.consumers === 0 && !queue.exclusive && !queue.expires
    const reading = readings.get(`${kindOf(queue, names)} ${orphan}`)
    if (reading === undefined) continue
    reading.keys++
    reading.bytes = reading.bytes === null || queue.bytes === null ? null : reading.bytes + queue.bytes
  }
  return [...readings.values()]
}
