import { z } from 'zod'
import { findingRow } from './findings.ts'

/** Pure schemas of `/api/celeriac/*`, shared with the web UI. null always means "not known", never 0. */
export const tileState = z.enum(['ok', 'near', 'over', 'unknown', 'stale'])

export const tile = z.object({
  id: z.string(),
  title: z.string(),
  value: z.number().nullable(),
  unit: z.enum(['seconds', 'bytes', 'ratio', 'percent', 'per_second', 'count']),
  /** From the alert rule of the same number; `over` is bad above the limit, `under` is bad below it. */
  limit: z.object({ value: z.number(), bad: z.enum(['over', 'under']), alert: z.string() }).nullable(),
  state: tileState,
  /** One short phrase: which queue, of how many. */
  detail: z.string().nullable(),
  /** The last hour, [epoch ms, value]. */
  spark: z.array(z.tuple([z.number(), z.number().nullable()])),
})

export const queueRow = z.object({
  broker: z.string(),
  queue: z.string(),
  state: z.enum(['firing', 'pending', 'ok', 'unknown']),
  depth: z.number().nullable(),
  oldestSeconds: z.number().nullable(),
  inPerSecond: z.number().nullable(),
  outPerSecond: z.number().nullable(),
  /** Seconds until empty at the present rates; null with `trend` saying why. */
  drainsInSeconds: z.number().nullable(),
  trend: z.enum(['draining', 'steady', 'growing', 'empty', 'unknown']),
  consumers: z.number().nullable(),
})

export const workerCell = z.object({
  broker: z.string(),
  worker: z.string(),
  state: z.enum(['up', 'suspect', 'vanished', 'stopped']),
  sinceMs: z.number(),
  active: z.number().nullable(),
  concurrency: z.number().nullable(),
  reserved: z.number().nullable(),
  queues: z.array(z.string()).nullable(),
})

export const alertRow = z.object({
  name: z.string(),
  state: z.enum(['pending', 'firing']),
  severity: z.string(),
  labels: z.record(z.string(), z.string()),
  summary: z.string(),
  description: z.string(),
  runbook: z.string().nullable(),
  value: z.number(),
  /** Of the value; null when it is not known. */
  unit: tile.shape.unit.nullable(),
  activeAtMs: z.number(),
  /** Held only because what it watches cannot be seen. */
  heldSinceMs: z.number().nullable(),
})

export const sourceRow = z.object({
  broker: z.string(),
  source: z.enum(['events', 'inspect', 'broker', 'host']),
  state: z.enum(['ok', 'stale', 'blind', 'waiting']),
  lastSuccessMs: z.number().nullable(),
  detail: z.string().nullable(),
})

export const failingTask = z.object({
  broker: z.string(),
  task: z.string(),
  exception: z.string(),
  failed: z.number(),
  ratio: z.number().nullable(),
})

export const changeRow = z.object({
  atMs: z.number(),
  kind: z.enum([
    'firing',
    'resolved',
    'worker-lost',
    'worker-found',
    'worker-stopped',
    'broker-lost',
    'broker-back',
  ]),
  subject: z.string(),
  text: z.string(),
})

/** Series of one chart on the Overview; the browser asks `/api/v1/query_range` for longer ranges with the same `expr`. */
export const chart = z.object({
  id: z.string(),
  title: z.string(),
  subtitle: z.string(),
  unit: tile.shape.unit,
  /** Every expression with the legend to give its series; `{{queue}}` is replaced by the label. */
  queries: z.array(z.object({ expr: z.string(), legend: z.string() })),
  limit: z.object({ value: z.number(), alert: z.string() }).nullable(),
})

export const overview = z.object({
  version: z.string(),
  /** True when the fleet is the simulated one; the UI must say so. */
  simulated: z.boolean(),
  startedAtMs: z.number(),
  nowMs: z.number(),
  /** When the last collection cycle ended; null before the first. */
  collectedAtMs: z.number().nullable(),
  collectIntervalMs: z.number(),
  brokers: z.array(
    z.object({
      name: z.string(),
      transport: z.string(),
      address: z.string(),
      state: z.enum(['connecting', 'connected', 'stopped']),
      sinceMs: z.number(),
      error: z.string().nullable(),
    }),
  ),
  sources: z.array(sourceRow),
  /** What is wrong or missing, with the setting that mends it: worst first, at most 100. */
  findings: z.array(findingRow),
  verdict: z.object({
    level: z.enum(['critical', 'warning', 'pending', 'ok', 'unknown']),
    headline: z.string(),
    text: z.string(),
    /** What the sentence speaks of when that has a bar of its own, which then need not be shown: `broker NAME` or `rules`. */
    about: z.string().nullable(),
  }),
  tiles: z.array(tile),
  charts: z.array(chart),
  queues: z.array(queueRow),
  queuesTotal: z.number(),
  workers: z.array(workerCell),
  workersTotal: z.number(),
  alerts: z.array(alertRow),
  /** Of all alerts; `alerts` holds at most 100. */
  alertsTotal: z.object({ firing: z.number(), pending: z.number() }).optional(),
  rulesEvaluated: z.object({ rules: z.number(), failing: z.number(), lastMs: z.number().nullable() }),
  failing: z.array(failingTask),
  changes: z.array(changeRow),
})

export type Overview = z.infer<typeof overview>
