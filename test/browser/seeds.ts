import { HOUR, MINUTE, SECOND } from '../../src/base/index.ts'
import type { Overview } from '../../src/contract/index.ts'

/** Overviews as a server would give them, made by functions of the time, so that a page over them lives. */

/** A value over time for one series of a range query. */
interface SeedSeries {
  readonly metric: Readonly<Record<string, string>>
  /** undefined where there is no sample. */
  readonly at: (ms: number) => number | undefined
}

export interface Seed {
  readonly overview: (nowMs: number) => Overview
  /** The answer to a range query, by its expression. */
  readonly series: (expr: string) => readonly SeedSeries[]
}

const OLDEST = 'max by (broker, queue) (celery_queue_oldest_task_age_seconds)'
const RECEIVED = 'sum(rate(celery_task_received_total[5m]))'
const FINISHED = 'sum(rate(celery_task_succeeded_total[5m])) + sum(rate(celery_task_failed_total[5m]))'
const FAILED = 'sum(rate(celery_task_failed_total[5m]))'
const ALERTS = 'ALERTS{alertname="CeleryQueueWaitHigh"}'

/** The same wobble for the same minute, between -1 and 1. */
const noise = (ms: number, salt: number): number => {
  const x = Math.sin(Math.floor(ms / 15_000) * 12.9898 + salt * 78.233) * 43758.5453
  return 2 * (x - Math.floor(x)) - 1
}

const spark = (nowMs: number, value: (ms: number) => number | null): [number, number | null][] => {
  const end = Math.floor(nowMs / MINUTE) * MINUTE
  return Array.from({ length: 61 }, (_, i): [number, number | null] => {
    const ms = end - HOUR + i * MINUTE
    return [ms, value(ms)]
  })
}

const base = (nowMs: number): Overview => ({
  version: '0.1.0',
  simulated: false,
  startedAtMs: nowMs - 6 * 24 * HOUR - 4 * HOUR,
  nowMs,
  collectedAtMs: nowMs - 400,
  collectIntervalMs: 5 * SECOND,
  brokers: [
    {
      name: 'prod',
      transport: 'redis',
      address: 'redis://redis.internal:6379/0',
      state: 'connected',
      sinceMs: nowMs - 6 * 24 * HOUR,
      error: null,
    },
  ],
  sources: (['events', 'inspect', 'broker'] as const).map(source => ({
    broker: 'prod',
    source,
    state: 'ok' as const,
    lastSuccessMs: nowMs - 400,
    detail: null,
  })),
  findings: [],
  verdict: {
    level: 'ok',
    headline: 'All quiet.',
    text: '9 queues, 16 workers, 34 rules, checked 0 s ago.',
    about: null,
  },
  tiles: [],
  charts: [
    {
      id: 'oldest-by-queue',
      title: 'Oldest message by queue',
      subtitle: 'age of the oldest task not yet started',
      unit: 'seconds',
      queries: [{ expr: OLDEST, legend: '{{queue}}' }],
      limit: { value: 300, alert: 'CeleryQueueWaitHigh' },
    },
    {
      id: 'tasks-in-out',
      title: 'Tasks in and out',
      subtitle: 'tasks per second',
      unit: 'per_second',
      queries: [
        { expr: RECEIVED, legend: 'received' },
        { expr: FINISHED, legend: 'finished' },
        { expr: FAILED, legend: 'failed' },
      ],
      limit: null,
    },
  ],
  queues: [],
  queuesTotal: 0,
  workers: [],
  workersTotal: 0,
  alerts: [],
  rulesEvaluated: { rules: 34, failing: 0, lastMs: nowMs - 1200 },
  failing: [],
  changes: [],
})

/** When the backlog of the fleet in trouble began, for a page loaded now. */
const began = (nowMs: number): number => nowMs - 15 * MINUTE

/** The oldest message of a queue: `mail` climbs since 15 minutes. */
const oldest = (queue: string, trouble: boolean, loadedMs: number) => (ms: number) => {
  const quiet =
    { mail: 18, default: 24, media: 66, reports: 11, thumbnails: 5, search: 3, exports: 40, webhooks: 2 }[
      queue
    ] ?? 4
  const usual = Math.max(0, quiet * (1 + 0.35 * noise(ms, queue.length * 7 + queue.charCodeAt(0))))
  const since = ms - began(loadedMs)
  return trouble && queue === 'mail' && since > 0 ? usual + 0.97 * (since / 1000) : usual
}

const QUEUES = ['mail', 'media', 'default', 'reports', 'thumbnails', 'search', 'exports', 'webhooks'] as const

function tiles(nowMs: number, trouble: boolean, shift: number): Overview['tiles'] {
  const worst = oldest('mail', trouble, nowMs)
  const ramp = (ms: number): number => Math.max(0, (ms - began(nowMs)) / (15 * MINUTE))
  const limit = (value: number, bad: 'over' | 'under', alert: string) => ({ value, bad, alert })
  return [
    {
      id: 'oldest-message',
      title: 'Oldest message',
      value: trouble ? 872 : 66,
      unit: 'seconds',
      limit: limit(300, 'over', 'CeleryQueueWaitHigh'),
      state: trouble ? 'over' : 'ok',
      detail: trouble ? 'mail' : 'media',
      spark: spark(nowMs, worst),
    },
    {
      id: 'waiting',
      title: 'Waiting',
      value: (trouble ? 46_902 : 402) + shift,
      unit: 'count',
      limit: limit(50_000, 'over', 'CeleryQueueDepthHigh'),
      state: trouble ? 'near' : 'ok',
      detail: trouble ? 'mail; 48 210 in 9 queues' : 'default; 1 310 in 9 queues',
      spark: spark(nowMs, ms => 900 + 60 * noise(ms, 3) + (trouble ? 46_000 * ramp(ms) : 0)),
    },
    {
      id: 'task-rate',
      title: 'Task rate',
      value: 187,
      unit: 'per_second',
      limit: null,
      state: 'ok',
      detail: trouble ? 'in 212 /s · out 187 /s' : 'in 187 /s · out 187 /s',
      spark: spark(nowMs, ms => 187 + 6 * noise(ms, 5)),
    },
    {
      id: 'failure-ratio-now',
      title: 'Failure ratio',
      value: trouble ? 0.041 : 0.004,
      unit: 'ratio',
      limit: limit(0.05, 'over', 'CeleryHighFailureRate'),
      state: trouble ? 'near' : 'ok',
      detail: null,
      spark: spark(nowMs, ms => 0.004 + 0.001 * noise(ms, 6) + (trouble ? 0.037 * ramp(ms) : 0)),
    },
    {
      id: 'runtime-p95',
      title: 'Runtime p95',
      value: 2.4,
      unit: 'seconds',
      limit: null,
      state: 'ok',
      detail: 'media.transcode',
      spark: spark(nowMs, ms => 2.1 + 0.3 * noise(ms, 8)),
    },
    {
      id: 'workers-online',
      title: 'Workers online',
      value: trouble ? 13 : 16,
      unit: 'count',
      limit: limit(2, 'under', 'CeleryLowRedundancy'),
      state: 'ok',
      detail: trouble ? '3 workers lost' : null,
      spark: spark(nowMs, ms => (trouble && ms > nowMs - 21 * MINUTE ? 13 : 16)),
    },
  ]
}

function queues(trouble: boolean): Overview['queues'] {
  const row = (
    queue: string,
    depth: number | null,
    oldestSeconds: number | null,
    into: number | null,
    out: number | null,
    trend: Overview['queues'][number]['trend'],
    drains: number | null,
    consumers: number | null,
    state: Overview['queues'][number]['state'] = 'ok',
  ): Overview['queues'][number] => ({
    broker: 'prod',
    queue,
    state,
    depth,
    oldestSeconds,
    inPerSecond: into,
    outPerSecond: out,
    drainsInSeconds: drains,
    trend,
    consumers,
  })
  return [
    trouble
      ? row('mail', 46_902, 872, 61, 36, 'growing', null, 1, 'firing')
      : row('mail', 96, 18, 41, 41, 'steady', null, 4),
    row('media', 812, 66, 9, 8, 'growing', null, 2, trouble ? 'pending' : 'ok'),
    row('default', 402, 24, 120, 121, 'draining', 420, 8),
    row('reports', 94, 11, 2, 2, 'steady', null, 2),
    row('thumbnails', 0, null, 4.2, 4.2, 'empty', null, 2),
    row('search', 0, null, 0.43, 0.43, 'empty', null, 1),
    row('exports', 3, 40, 0.1, 0.1, 'steady', null, 1),
    row('webhooks', 0, null, 11.2, 11.2, 'empty', null, 2),
    trouble
      ? row('sync_legacy', null, null, null, null, 'unknown', null, 0, 'unknown')
      : row('sync_legacy', 0, null, 0, 0, 'empty', null, 1),
  ]
}

function workers(nowMs: number, trouble: boolean): Overview['workers'] {
  const busy = [6, 5, 7, 6, 4, 7, 5, 1, 4, 5, 7, 1, 1, 6, 2, 2]
  return busy.map((active, i) => {
    const lost = trouble && [2, 3, 6].includes(i)
    return {
      broker: 'prod',
      worker: `w${i + 1}@node-${1 + (i % 4)}`,
      state: lost ? ('vanished' as const) : ('up' as const),
      sinceMs: lost ? nowMs - 21 * MINUTE : nowMs - 3 * 24 * HOUR,
      active: lost ? null : active,
      concurrency: 8,
      reserved: lost ? null : 4,
      queues: i % 2 === 0 ? ['mail', 'default'] : ['default', 'media'],
    }
  })
}

const failing: Overview['failing'] = [
  {
    broker: 'prod',
    task: 'mail.send_receipt',
    exception: 'SMTPServerDisconnected',
    failed: 9240,
    ratio: 0.31,
  },
  { broker: 'prod', task: 'media.transcode', exception: 'TimeLimitExceeded', failed: 14, ratio: 0.02 },
]

const alerts = (nowMs: number): Overview['alerts'] => [
  {
    name: 'CeleryQueueWaitHigh',
    state: 'firing',
    severity: 'critical',
    labels: { broker: 'prod', queue: 'mail', severity: 'critical' },
    summary: 'Tasks in mail wait 14m 32s',
    description:
      'The oldest message of queue mail waits longer than 5 minutes. One of four consumers is left.',
    runbook: 'https://example.org/runbooks/celery-queue-wait-high',
    value: 872,
    activeAtMs: nowMs - 10 * MINUTE,
    unit: null,
    heldSinceMs: null,
  },
  {
    name: 'CeleryQueueGrowing',
    state: 'firing',
    severity: 'warning',
    labels: { broker: 'prod', queue: 'mail', severity: 'warning' },
    summary: 'Queue mail grows by 25 messages a second',
    description: 'More comes in than goes out, for longer than 10 minutes.',
    runbook: 'docs/runbooks/celery-queue-growing.md',
    value: 25.1,
    activeAtMs: nowMs - 9 * MINUTE,
    unit: null,
    heldSinceMs: null,
  },
  {
    name: 'CeleryQueueGrowing',
    state: 'pending',
    severity: 'warning',
    labels: { broker: 'prod', queue: 'media', severity: 'warning' },
    summary: 'Queue media grows by 1 message a second',
    description: 'More comes in than goes out.',
    runbook: null,
    value: 1,
    activeAtMs: nowMs - 2 * MINUTE,
    unit: null,
    heldSinceMs: null,
  },
]

const changes = (nowMs: number): Overview['changes'] => [
  {
    atMs: nowMs - 9 * MINUTE,
    kind: 'firing',
    subject: 'CeleryQueueGrowing',
    text: 'Queue mail grows by 25 messages a second',
  },
  {
    atMs: nowMs - 10 * MINUTE,
    kind: 'firing',
    subject: 'CeleryQueueWaitHigh',
    text: 'Tasks in mail wait 5m 4s',
  },
  {
    atMs: nowMs - 21 * MINUTE,
    kind: 'worker-lost',
    subject: 'w3@node-3, w4@node-4, w7@node-3',
    text: '3 workers of prod fell silent without a goodbye',
  },
  {
    atMs: nowMs - 52 * MINUTE,
    kind: 'resolved',
    subject: 'CelerySlowProcessing',
    text: 'media.transcode takes 62 s',
  },
]

/** The series behind the charts of the fleet, with samples until a moment. */
export function fleetSeries(trouble: boolean, sampledUntilMs: () => number): Seed['series'] {
  const loadedMs = Date.now()
  const until =
    (value: (ms: number) => number) =>
    (ms: number): number | undefined =>
      ms <= sampledUntilMs() ? value(ms) : undefined
  return expr => {
    if (expr === OLDEST)
      return QUEUES.map(queue => ({
        metric: { broker: 'prod', queue },
        at: until(oldest(queue, trouble, loadedMs)),
      }))
    const rate = (level: number, salt: number, extra = 0) => [
      {
        metric: {},
        at: until(ms => level + 3 * noise(ms, salt) + (trouble && ms > loadedMs - 24 * MINUTE ? extra : 0)),
      },
    ]
    if (expr === RECEIVED) return rate(189, 11, 22)
    if (expr === FINISHED) return rate(189, 12, -3)
    if (expr === FAILED)
      return [
        {
          metric: {},
          at: until(ms =>
            Math.max(0, 0.8 + 0.3 * noise(ms, 13) + (trouble && ms > loadedMs - 21 * MINUTE ? 6.4 : 0)),
          ),
        },
      ]
    if (expr === ALERTS && trouble) {
      const alert = { __name__: 'ALERTS', alertname: 'CeleryQueueWaitHigh', queue: 'mail' }
      const within = (from: number, to: number) => (ms: number) => (ms >= from && ms < to ? 1 : undefined)
      return [
        {
          metric: { ...alert, alertstate: 'pending' },
          at: within(loadedMs - 10 * MINUTE, loadedMs - 7 * MINUTE),
        },
        { metric: { ...alert, alertstate: 'firing' }, at: within(loadedMs - 7 * MINUTE, Infinity) },
      ]
    }
    return []
  }
}

/** 9 queues, 16 workers, 2 firing and 1 pending: a queue falls behind. `pushes` counts up one tile. */
export function small(pushes: () => number = () => 0): Seed {
  return {
    overview: nowMs => ({
      ...base(nowMs),
      verdict: {
        level: 'critical',
        headline: 'Tasks in mail wait 14m 32s.',
        text: 'Now 14 m 32 s, limit 5 m. Active for 10 m. 1 more firing, 1 pending.',
        about: null,
      },
      tiles: tiles(nowMs, true, pushes()),
      queues: queues(true),
      queuesTotal: 9,
      workers: workers(nowMs, true),
      workersTotal: 16,
      alerts: alerts(nowMs),
      failing,
      changes: changes(nowMs),
    }),
    series: fleetSeries(true, () => Infinity),
  }
}

/** The same fleet on a good day. */
export function quiet(): Seed {
  return {
    overview: nowMs => ({
      ...base(nowMs),
      tiles: tiles(nowMs, false, 0),
      queues: queues(false),
      queuesTotal: 9,
      workers: workers(nowMs, false),
      workersTotal: 16,
    }),
    series: fleetSeries(false, () => Infinity),
  }
}

/** The quiet fleet, invented. */
export function simulated(): Seed {
  const { overview, series } = small()
  return { overview: nowMs => ({ ...overview(nowMs), simulated: true }), series }
}

/** A broker without queues or workers, watched for 20 s. */
export function empty(): Seed {
  return {
    overview: nowMs => ({
      ...base(nowMs),
      startedAtMs: nowMs - 20 * SECOND,
      verdict: {
        level: 'unknown',
        headline: 'Not everything is known yet.',
        text: 'Waiting for events of broker prod.',
        about: null,
      },
      sources: [
        { broker: 'prod', source: 'events', state: 'waiting', lastSuccessMs: null, detail: null },
        { broker: 'prod', source: 'inspect', state: 'waiting', lastSuccessMs: null, detail: null },
        { broker: 'prod', source: 'broker', state: 'ok', lastSuccessMs: nowMs - 400, detail: null },
      ],
      tiles: tiles(nowMs, false, 0).map(tile => ({
        ...tile,
        value: null,
        state: 'unknown' as const,
        detail: 'nothing to measure in the last 5 minutes',
        spark: [],
      })),
    }),
    series: () => [],
  }
}
