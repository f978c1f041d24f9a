import { MINUTE } from '../../src/base/index.ts'
import { fleetSeries, type Seed, small } from './seeds.ts'

/** Fleets that cannot be seen as they are, or are larger than a page. */

/** The collector stands still since `ageMs`; the server itself answers. */
export function stale(ageMs: number): Seed {
  const frozenMs = Date.now() - ageMs
  const { overview } = small()
  return {
    overview: nowMs => ({
      ...overview(nowMs),
      collectedAtMs: frozenMs,
      tiles: overview(nowMs).tiles.map(tile => ({ ...tile, state: 'stale' as const })),
    }),
    series: fleetSeries(true, () => frozenMs),
  }
}

/** The broker is away since six minutes: what only it tells is not known. */
export function brokerDown(): Seed {
  const awayMs = Date.now() - 6 * MINUTE
  const { overview } = small()
  return {
    overview: nowMs => {
      const whole = overview(nowMs)
      return {
        ...whole,
        brokers: whole.brokers.map(broker => ({
          ...broker,
          state: 'connecting' as const,
          sinceMs: awayMs,
          error: 'Nothing answers at redis://redis.internal:6379/0: connection refused.',
        })),
        sources: whole.sources.map(source => ({
          ...source,
          state: 'blind' as const,
          lastSuccessMs: awayMs,
          detail: 'the broker is not connected',
        })),
        verdict: {
          level: 'unknown' as const,
          headline: 'The connection to broker prod is lost.',
          text: 'For 6 m; it is tried again and again. Nothing answers at redis://redis:6379/0. Until then queues, workers and tasks cannot be known; nothing is taken for 0 or for resolved.',
          about: 'broker prod',
        },
        tiles: whole.tiles.map(tile => ({
          ...tile,
          value: null,
          state: 'unknown' as const,
          detail: 'the broker is not connected',
          spark: tile.spark.map(([ms, value]): [number, number | null] => [ms, ms < awayMs ? value : null]),
        })),
        queues: whole.queues.map(row => ({
          ...row,
          state: 'unknown' as const,
          depth: null,
          oldestSeconds: null,
          inPerSecond: null,
          outPerSecond: null,
          drainsInSeconds: null,
          trend: 'unknown' as const,
          consumers: null,
        })),
        workers: whole.workers.map(cell => ({ ...cell, active: null, reserved: null })),
        alerts: whole.alerts.map(alert => ({ ...alert, heldSinceMs: awayMs })),
        failing: [],
      }
    },
    series: fleetSeries(true, () => awayMs),
  }
}

/** 100 of 1 000 queues, 100 of 500 workers, names as long as people make them. */
export function large(): Seed {
  const { overview, series } = small()
  const name = (i: number): string => `tenant-${i}.reports.monthly_financial_statements.generate_pdf`
  return {
    overview: nowMs => {
      const whole = overview(nowMs)
      return {
        ...whole,
        queues: Array.from({ length: 100 }, (_, i) => ({
          ...(whole.queues[i % 5] ?? whole.queues[0]!),
          queue: name(i),
          state: i < 3 ? ('firing' as const) : ('ok' as const),
        })),
        queuesTotal: 1000,
        workers: Array.from({ length: 100 }, (_, i) => ({
          ...(whole.workers[i % 16] ?? whole.workers[0]!),
          worker: `celery@ip-10-0-${i % 7}-${i}.eu-central-1.compute.internal`,
        })),
        workersTotal: 500,
      }
    },
    series,
  }
}
