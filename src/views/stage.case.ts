import { Labels, SECOND } from '../base/index.ts'
import { configureAlerts, metrics as declared, ruleGroups } from '../catalog/index.ts'
import { createFleet } from '../fleet/index.ts'
import { depths, failed, heartbeat, received, sent, started, succeeded } from '../fleet/events.case.ts'
import { createMetrics } from '../metrics/index.ts'
import { evaluateInstant, evaluateRange } from '../promql/index.ts'
import type { ActiveAlert, AlertingRule, GroupStatus } from '../rules/index.ts'
import { createHead } from '../store/index.ts'
import type { BrokerStatus, OverviewInput } from './input.ts'

/**
 * A small fleet for the tests of this room, on real fleet, metrics, store and evaluator: two workers, the queues `mail` and
 * `reports`, a few tasks a second. Time moves in steps of five seconds.
 */
export const T0 = 1_800_000_000_000
const STEP_MS = 5 * SECOND

export const WORKERS = ['w1@host-a', 'w2@host-b'] as const

export interface Stage {
  nowMs: number
  readonly connection: { -readonly [K in keyof BrokerStatus['state']]: BrokerStatus['state'][K] }
  /** What the broker says of its queues. */
  readonly depths: Map<string, number>
  /** How many seconds of every five a queue grows by. */
  growthPerStep: Map<string, number>
  alive: readonly string[]
  /** Of the two tasks a step, how many fail. */
  failures: number
  collecting: boolean
  tell: { sent: boolean }
  /** Whether what happens while the broker is lost is lost too, as with Redis; RabbitMQ keeps it. */
  losesEvents: boolean
  /** Lets time pass. */
  pass(seconds: number): void
  connect(): void
  lose(): void
  input(changes?: Partial<OverviewInput>): OverviewInput
}

export function createStage(options: Parameters<typeof createFleet>[0] = {}): Stage {
  const fleet = createFleet({ collectIntervalMs: STEP_MS, ...options })
  const metrics = createMetrics()
  const head = createHead()
  const recording = ruleGroups().flatMap(group => group.rules.filter(rule => rule.kind === 'record'))
  let collectedAtMs: number | null = null
  let task = 0
  let lostAtMs: number | undefined
  metrics.add(declared.eventGapSeconds, { broker: fleet.broker }, 0)

  const runTasks = (atMs: number): void => {
    const [worker] = stage.alive
    if (worker === undefined) return
    for (let i = 0; i < 2; i++) {
      const uuid = `t${task++}`
      const name = 'shop.bill'
      if (stage.tell.sent) fleet.apply(sent(uuid, { name, queue: 'mail', atMs: atMs - 3000 }), atMs - 3000)
      fleet.apply(received(uuid, { name, worker, atMs: atMs - 2000 }), atMs - 2000)
      fleet.apply(started(uuid, { worker, atMs: atMs - 1500 }), atMs - 1500)
      fleet.apply(
        i < stage.failures
          ? failed(uuid, { worker, atMs: atMs - 500 })
          : succeeded(uuid, { worker, runtime: 1, atMs: atMs - 500 }),
        atMs - 500,
      )
    }
  }

  const ask = (atMs: number): void => {
    const everyone = <T>(value: T): ReadonlyMap<string, T> =>
      new Map(stage.alive.map(worker => [worker, value]))
    const say = (method: 'ping' | 'stats' | 'active_queues' | 'active' | 'reserved', value: unknown): void =>
      fleet.observe({ kind: 'inspect', method, replies: everyone(value) }, atMs)
    say('ping', { ok: 'pong' })
    say('stats', { pool: { 'max-concurrency': 4 } })
    say('active_queues', [{ name: 'mail' }])
    say('active', [])
    say('reserved', [])
  }

  const stage: Stage = {
    nowMs: T0,
    connection: { state: 'connecting', sinceMs: T0 },
    depths: new Map([
      ['mail', 10],
      ['reports', 0],
    ]),
    growthPerStep: new Map(),
    alive: WORKERS,
    failures: 0,
    collecting: true,
    tell: { sent: true },
    losesEvents: true,

    pass(seconds) {
      for (const end = stage.nowMs + seconds * SECOND; stage.nowMs < end;) {
        stage.nowMs += STEP_MS
        const { nowMs } = stage
        if (stage.connection.state === 'connected') {
          for (const worker of stage.alive)
            fleet.apply(heartbeat({ worker, atMs: nowMs - 1000 }), nowMs - 1000)
          runTasks(nowMs)
          for (const [queue, by] of stage.growthPerStep)
            stage.depths.set(queue, Math.max(0, (stage.depths.get(queue) ?? 0) + by))
          fleet.observe(depths(Object.fromEntries(stage.depths)), nowMs)
          if (nowMs % (15 * SECOND) === 0) ask(nowMs)
        }
        fleet.tick(nowMs)
        if (!stage.collecting) continue
        metrics.record(fleet.broker, fleet.drainChanges())
        metrics.collectFleet(fleet, { connected: stage.connection.state === 'connected' }, nowMs)
        for (const { source, state } of fleet.sources(nowMs))
          metrics.set(
            declared.sourceUp,
            { broker: fleet.broker, source },
            state === 'waiting' ? null : state === 'ok' ? 1 : 0,
          )
        head.appendCycle('fleet', nowMs, [...metrics.cycle()].flat())
        collectedAtMs = nowMs
        if (nowMs % (15 * SECOND) === 0)
          for (const rule of recording) {
            const { result } = evaluateInstant(rule.expr, nowMs, head)
            const samples = result.type === 'vector' ? result.samples : []
            head.appendCycle(
              `rules/${rule.record}`,
              nowMs,
              samples.map(({ labels, value }) => ({ labels: labels.with('__name__', rule.record), value })),
            )
          }
      }
    },

    connect() {
      Object.assign(stage.connection, { state: 'connected', sinceMs: stage.nowMs, error: undefined })
      fleet.observe({ kind: 'broker-connected' }, stage.nowMs)
      if (lostAtMs !== undefined && stage.losesEvents)
        metrics.add(declared.eventGapSeconds, { broker: fleet.broker }, (stage.nowMs - lostAtMs) / SECOND)
      lostAtMs = undefined
    },

    lose() {
      Object.assign(stage.connection, {
        state: 'connecting',
        sinceMs: stage.nowMs,
        error: { code: 'BROKER_UNREACHABLE', message: 'Nothing answers at redis://cache:6379/0.' },
      })
      fleet.observe({ kind: 'broker-lost' }, stage.nowMs)
      lostAtMs ??= stage.nowMs
    },

    input: (changes = {}) => ({
      version: '0.1.0',
      simulated: false,
      startedAtMs: T0,
      nowMs: stage.nowMs,
      collectedAtMs,
      collectIntervalMs: STEP_MS,
      brokers: [
        { name: 'default', transport: 'redis', address: 'redis://cache:6379/0', state: stage.connection },
      ],
      fleets: [fleet],
      rules: [groupStatus([], stage.nowMs)],
      alerts: configureAlerts(),
      query(expr, atMs) {
        const { result } = evaluateInstant(expr, atMs, head)
        return result.type === 'vector' ? result.samples : []
      },
      queryRange: (expr, startMs, endMs, stepMs) => evaluateRange(expr, startMs, endMs, stepMs, head).result,
      changes: [],
      findings: [],
      ...changes,
    }),
  }
  return stage
}

/** An alert of the catalog as the rules hold it. */
export function activeAlert(
  name: string,
  labels: Readonly<Record<string, string>>,
  changes: Partial<ActiveAlert> = {},
): ActiveAlert {
  const rule = ruleGroups()
    .flatMap(group => group.rules)
    .find((each): each is AlertingRule => each.kind === 'alert' && each.alert === name)
  if (rule === undefined) throw new Error(`no rule ${name}`)
  return {
    rule,
    group: 'celery_alerts',
    labels: Labels.from({ ...labels, ...rule.labels, alertname: name }),
    annotations: { summary: `${name} of ${labels['queue'] ?? 'all'}`, runbook_url: 'http://x.example/run' },
    state: 'firing',
    value: 150,
    activeAtMs: T0,
    firedAtMs: T0 + 1,
    resolvedAtMs: undefined,
    heldSinceMs: undefined,
    ...changes,
  }
}

/** A group that was just evaluated, with one rule for each alert; without alerts it holds one quiet rule. */
export function groupStatus(alerts: readonly ActiveAlert[], atMs: number): GroupStatus {
  const quiet = ruleGroups()
    .flatMap(group => group.rules)
    .find((each): each is AlertingRule => each.kind === 'alert')
  const rules =
    alerts.length > 0 ? [...new Set(alerts.map(alert => alert.rule))] : quiet === undefined ? [] : [quiet]
  return {
    group: { name: 'celery_alerts', file: 'catalog', intervalMs: 15 * SECOND, rules },
    rules: rules.map(rule => ({
      rule,
      health: 'ok',
      lastError: undefined,
      evaluationSeconds: 0.001,
      lastEvaluationMs: atMs,
      alerts: alerts.filter(alert => alert.rule === rule),
    })),
    lastEvaluationMs: atMs,
    evaluationSeconds: 0.002,
  }
}
