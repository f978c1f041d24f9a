import { formatBytes, SECOND, wordDuration, wordNumber } from '../base/index.ts'
import type { ServerState } from '../fleet/index.ts'
import { counted, type Found, type Rule, type Scene } from './facts.ts'

/** The limits of RedisMemoryHigh and RedisConnectionsSaturated. */
const MEMORY_NEAR = 0.8
const CONNECTIONS_NEAR = 0.9
/** Part of the redelivery timeout after which an unacknowledged task is told. */
const REDELIVERY_NEAR = 0.8
/** A killed `celery inspect` leaves a key or two; so much is left by something that goes on. */
const GARBAGE_KEYS = 50
const GARBAGE_BYTES = 1024 * 1024

/** What endangers tasks in the broker. */
export const serverRules: Rule = scene => {
  const server = scene.fleet.server(scene.nowMs)
  return [
    ...(server === null
      ? []
      : [...memory(server, scene), ...saturation(server), ...redelivery(server, scene)]),
    ...redelivered(scene),
    ...garbage(scene),
  ]
}

/** `allkeys-…` takes any key; `volatile-…` only keys that expire, and queues do not. */
const takesQueues = (policy: string): boolean => policy.startsWith('allkeys-')

function memory(server: ServerState, { seen, recent }: Scene): readonly Found[] {
  const { maxmemoryPolicy: policy, memoryUsedBytes: used, memoryMaxBytes: max, evictedKeysTotal } = server
  const found: Found[] = []
  const evicted = seen.evicted
  if (recent(evicted))
    found.push({
      code: 'evictions',
      level: policy !== null && !takesQueues(policy) ? 'missing' : 'wrong',
      source: 'broker',
      title: `Redis evicted ${counted(evicted.count, 'key')} while we watched, ${wordNumber(evictedKeysTotal ?? evicted.count)} since it started.`,
      cost:
        policy !== null && !takesQueues(policy)
          ? 'Only keys that expire go, such as results of tasks: a caller may wait for one in vain.'
          : 'Each may have been a queue with all its tasks, or the table that binds it.',
      fix: 'redis-cli CONFIG SET maxmemory-policy noeviction, and give it more memory (maxmemory).',
    })
  if (policy !== null && policy !== 'noeviction' && (max ?? 0) > 0)
    found.push({
      code: 'eviction-policy',
      level: takesQueues(policy) ? 'wrong' : 'missing',
      source: 'broker',
      title: `maxmemory-policy is ${policy}.`,
      cost: takesQueues(policy)
        ? 'When memory is full, Redis drops queues with all their tasks, without a word.'
        : 'When memory is full, Redis drops keys that expire, such as results of tasks.',
      fix: 'redis-cli CONFIG SET maxmemory-policy noeviction, and the same in redis.conf.',
    })
  if (used !== null && max !== null && max > 0 && used / max >= MEMORY_NEAR)
    found.push({
      code: 'memory-near-limit',
      level: 'wrong',
      source: 'broker',
      title: `Redis uses ${formatBytes(used)} of ${formatBytes(max)} (${Math.round((used / max) * 100)} %).`,
      cost:
        policy !== null && takesQueues(policy)
          ? 'When it is full, queues are dropped.'
          : 'When it is full, no task can be sent: senders get an OOM error.',
      fix: 'Raise maxmemory, or let results expire sooner (result_expires).',
    })
  return found
}

const ALARMS: Readonly<Record<string, string>> = {
  memory: 'it is out of memory',
  disk: 'its disk is full',
  loading: 'it is loading its data',
  readonly: 'it is a replica and takes no writes',
  blocked: 'it blocks publishers',
}

function saturation({ alarms, connectedClients, maxClients }: ServerState): readonly Found[] {
  const found: Found[] = []
  if (alarms !== null && alarms.length > 0)
    found.push({
      code: 'broker-alarm',
      level: 'wrong',
      source: 'broker',
      title: `The broker cannot serve as it should: ${alarms.map(kind => ALARMS[kind] ?? kind).join(', ')}.`,
      cost: 'Tasks cannot be sent or taken meanwhile.',
      fix: 'See the log of the broker.',
    })
  if (connectedClients !== null && maxClients !== null && maxClients > 0) {
    const ratio = connectedClients / maxClients
    if (ratio >= CONNECTIONS_NEAR)
      found.push({
        code: 'connections-near-limit',
        level: 'wrong',
        source: 'broker',
        title: `${wordNumber(connectedClients)} of ${wordNumber(maxClients)} connections of the broker are in use.`,
        cost: 'When none is left, workers that restart cannot connect.',
        fix: 'Raise maxclients, or lower broker_pool_limit in programs that send tasks.',
      })
  }
  return found
}

function redelivery(server: ServerState, { connection, fleet, nowMs }: Scene): readonly Found[] {
  const { redeliveryTimeoutSeconds: timeout, unackedOldestAgeSeconds: oldest, unackedOverdue } = server
  if (timeout === null || timeout <= 0) return []
  const cost = 'Then the broker gives the task to another worker too, and it runs twice.'
  const fix = (seconds: number): string => {
    const enough = Math.ceil((2 * seconds) / 3600) * 3600
    return connection.transport === 'amqp'
      ? `Raise consumer_timeout of RabbitMQ above the longest task and ETA, such as ${enough * 1000} ms, or acknowledge early (task_acks_late = False).`
      : `Set broker_transport_options = {'visibility_timeout': ${enough}} in workers and senders: more than the longest task and the longest ETA.`
  }
  const limit = wordDuration(timeout * SECOND)
  if ((unackedOverdue ?? 0) > 0)
    return [
      {
        code: 'redelivery-overdue',
        level: 'wrong',
        title: `${counted(unackedOverdue ?? 0, 'task')} ${unackedOverdue === 1 ? 'is' : 'are'} unacknowledged for longer than the redelivery timeout of ${limit}.`,
        cost,
        fix: fix(Math.max(oldest ?? 0, timeout)),
      },
    ]
  if (oldest !== null)
    return oldest < REDELIVERY_NEAR * timeout
      ? []
      : [
          {
            code: 'redelivery-near',
            level: 'wrong',
            title: `A task is unacknowledged for ${wordDuration(oldest * SECOND)}, and the redelivery timeout is ${limit}.`,
            cost,
            fix: fix(Math.max(oldest, timeout)),
          },
        ]
  const slow = fleet
    .running(nowMs)
    .filter(({ oldestSeconds }) => oldestSeconds >= REDELIVERY_NEAR * timeout)
    .sort((a, b) => b.oldestSeconds - a.oldestSeconds)[0]
  if (slow === undefined) return []
  return [
    {
      code: 'redelivery-near',
      level: 'missing',
      title: `${slow.task} has been running for ${wordDuration(slow.oldestSeconds * SECOND)}, and the redelivery timeout is ${limit}.`,
      cost: `If it acknowledges late (acks_late), the broker gives it to another worker too, and it runs twice.`,
      fix: fix(slow.oldestSeconds),
    },
  ]
}

/** One redelivery is what late acknowledgement is for; a second one of the same task is a loop. */
const LOOP = 2

function redelivered({ fleet, nowMs }: Scene): readonly Found[] {
  const worst = [...fleet.redeliveries(nowMs)].sort((a, b) => b.most - a.most)[0]
  if (worst === undefined || worst.most < LOOP) return []
  return [
    {
      code: 'redelivered',
      level: 'wrong',
      source: 'events',
      title: `A task ${worst.task} of queue ${worst.queue} was delivered again ${counted(worst.most, 'time')}.`,
      cost: 'It runs more than once, and keeps a slot each time.',
      fix: 'Look whether it kills its worker (out of memory, WorkerLostError) or runs longer than visibility_timeout; then revoke it.',
      evidence: `Task ${worst.id}.`,
    },
  ]
}

function garbage({ seen, connection }: Scene): readonly Found[] {
  const orphans = (seen.keys ?? []).filter(({ orphan }) => orphan)
  const keys = orphans.reduce((sum, each) => sum + each.keys, 0)
  const bytes = orphans.reduce((sum, each) => sum + (each.bytes ?? 0), 0)
  if (keys < GARBAGE_KEYS && bytes < GARBAGE_BYTES) return []
  const kinds = orphans.filter(each => each.keys > 0).map(each => `${each.kind} ${wordNumber(each.keys)}`)
  const what = connection.transport === 'amqp' ? 'queue' : 'key'
  return [
    {
      code: 'control-garbage',
      level: 'missing',
      source: 'broker',
      title: `${counted(keys, what)} of events and remote control (${formatBytes(bytes)}) are left over, and nothing ever removes them.`,
      cost: 'They take memory of the broker and grow with every monitor or inspect command that is killed.',
      fix:
        connection.transport === 'amqp'
          ? 'Delete queues *.pidbox and celeryev.* that have no consumer; set control_queue_expires and event_queue_expires.'
          : "redis-cli --scan --pattern '*.reply.celery.pidbox' | xargs redis-cli UNLINK; and end monitors that start over and over.",
      evidence: kinds.join(', '),
    },
  ]
}
