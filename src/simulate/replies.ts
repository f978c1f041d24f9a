import { type HeldTask, isoText } from './messages.ts'
import type { WorkerProfile } from './profile.ts'

/** A request object of `active`, `reserved` and `scheduled` (celery-wire.md section 9; Celery `worker/request.py` `info`). */
export function requestReply(
  node: string,
  task: HeldTask,
  running: { readonly startedMs: number; readonly pid: number } | null,
  safe: boolean,
): Record<string, unknown> {
  return {
    id: task.id,
    name: task.name,
    args: safe ? task.argsrepr : task.args,
    kwargs: safe ? '{}' : {},
    type: task.name,
    hostname: node,
    time_start: running === null ? null : running.startedMs / 1000,
    acknowledged: running !== null,
    delivery_info: {
      exchange: '',
      routing_key: task.queue,
      priority: task.priority,
      redelivered: task.redelivered,
    },
    worker_pid: running === null ? null : running.pid,
  }
}

/** One entry of `scheduled`. */
export const scheduledReply = (node: string, task: HeldTask, safe: boolean): Record<string, unknown> => ({
  eta: isoText(task.etaMs ?? 0),
  priority: 6,
  request: requestReply(node, task, null, safe),
})

/** One entry of `active_queues` (kombu `entity.py` `as_dict(recurse=True)`). */
export const queueReply = (queue: string): Record<string, unknown> => ({
  name: queue,
  exchange: {
    name: 'celery',
    type: 'direct',
    arguments: null,
    durable: true,
    passive: false,
    auto_delete: false,
    delivery_mode: null,
    no_declare: false,
  },
  routing_key: queue,
  queue_arguments: null,
  binding_arguments: null,
  consumer_arguments: null,
  durable: true,
  exclusive: false,
  auto_delete: false,
  no_ack: false,
  alias: null,
  bindings: [],
  no_declare: null,
  expires: null,
  message_ttl: null,
  max_length: null,
  max_length_bytes: null,
  max_priority: null,
})

export interface StatsFacts {
  readonly profile: WorkerProfile
  readonly pid: number
  readonly childPids: readonly number[]
  readonly clock: number
  readonly uptimeSeconds: number
  readonly totals: ReadonlyMap<string, number>
  readonly running: number
  readonly prefetchCount: number
}

/** The `stats` value. `max-concurrency` is the one pool field that all pools have (celery-wire.md section 9). */
export function statsReply(facts: StatsFacts): Record<string, unknown> {
  const total = [...facts.totals.values()].reduce((sum, count) => sum + count, 0)
  return {
    total: Object.fromEntries(facts.totals),
    pid: facts.pid,
    clock: String(facts.clock),
    uptime: Math.floor(facts.uptimeSeconds),
    pool: poolReply(facts, total),
    broker: {
      hostname: 'simulated',
      userid: null,
      virtual_host: '0',
      port: null,
      insist: false,
      ssl: false,
      transport: 'redis',
      connect_timeout: 4,
      transport_options: {},
      login_method: null,
      uri_prefix: null,
      heartbeat: 120,
      failover_strategy: 'round-robin',
      alternates: [],
      credential_provider: null,
    },
    prefetch_count: facts.prefetchCount,
    rusage: usageReply(facts, total),
  }
}

function poolReply(facts: StatsFacts, total: number): Record<string, unknown> {
  if (facts.profile.pool === 'gevent') {
    return {
      implementation: 'celery.concurrency.gevent:TaskPool',
      'max-concurrency': facts.profile.concurrency,
    }
  }
  const each = facts.childPids.map(() => Math.floor(total / facts.childPids.length))
  return {
    implementation: 'celery.concurrency.prefork:TaskPool',
    'max-concurrency': facts.profile.concurrency,
    processes: facts.childPids,
    'max-tasks-per-child': 'N/A',
    'put-guarded-by-semaphore': false,
    timeouts: [0, 0],
    writes: {
      total,
      avg: (1 / facts.childPids.length).toFixed(2),
      all: each.map(() => (1 / facts.childPids.length).toFixed(2)).join(', '),
      raw: each.join(', '),
      strategy: 'fair',
      inqueues: { total: facts.childPids.length, active: facts.running },
    },
  }
}

const usageReply = (facts: StatsFacts, total: number): Record<string, unknown> => ({
  utime: 0.9 + facts.uptimeSeconds * 0.004 + total * 0.002,
  stime: 0.2 + facts.uptimeSeconds * 0.001 + total * 0.0004,
  maxrss: 56_000 + Math.min(total, 40_000),
  ixrss: 0,
  idrss: 0,
  isrss: 0,
  minflt: 20_000 + total,
  majflt: 9,
  nswap: 0,
  inblock: 10_896,
  oublock: 152,
  msgsnd: 0,
  msgrcv: 0,
  nsignals: 0,
  nvcsw: 300 + total,
  nivcsw: 150 + total,
})

/** The settings that differ from Celery's defaults, and the word that nothing here is real. */
export const confReply = (queues: readonly string[]): Record<string, unknown> => ({
  broker_url: 'simulated://',
  deprecated_settings: null,
  task_send_sent_event: true,
  worker_send_task_events: true,
  broker_connection_retry_on_startup: true,
  worker_prefetch_multiplier: 1,
  task_queues: queues.map(queueReply),
  task_default_queue: 'default',
  worker_hijack_root_logger: true,
  worker_disable_prefetch: false,
  include: ['simulated.tasks', 'celery.app.builtins'],
})
