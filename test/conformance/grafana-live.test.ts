/**
 * Every query of every dashboard against a live store: the built program watches a simulated fleet over a real Redis. A query that
 * returns nothing there must be named here with its reason.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, type RunningCeleriac, startCeleriac } from '../servers/celeriac.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'
import { emittedDashboards } from './grafana-model.ts'

/** By metric: why a query that reads it may return nothing here. */
const EMPTY: Readonly<Record<string, string>> = {
  container_cpu_usage_percent: 'simulated workers are no processes',
  container_memory_usage_percent: 'simulated workers are no processes',
  celery_worker_memory_bytes: 'simulated workers are no processes',
  celery_task_rejected_total: 'nobody rejects a task',
  celery_task_revoked_total: 'nobody revokes a task',
  celery_task_redelivered_total: 'no task is lost',
  celery_task_redeliveries_max: 'no task is lost',
  celery_task_orphaned_total: 'no worker dies in a task',
  celery_events_lost_total: 'no event is lost',
  celeriac_event_gaps_total: 'the broker stays',
  celeriac_events_dropped_total: 'the load is small',
  celeriac_events_skipped_total: 'every event is well-formed',
  celeriac_notifications_failed_total: 'nobody is to be told',
  celeriac_notifications_total: 'nobody is to be told',
  celeriac_rule_evaluation_failures_total: 'no rule fails',
  celeriac_scrape_target_up: 'nothing is scraped',
  celeriac_series_dropped_total: 'there is room for all series',
}

const reasonFor = (expr: string): string | undefined =>
  Object.entries(EMPTY).find(([metric]) => new RegExp(`\\b${metric}\\b`).test(expr))?.[1]

let redis: RedisServer
let celeriac: RunningCeleriac

beforeAll(async () => {
  redis = await startRedis({ args: ['maxmemory 1gb'] })
  celeriac = await startCeleriac(['demo', '--broker', redis.url], 'inspectInterval: 5s')
}, 120_000)
afterAll(async () => {
  await celeriac?.stop()
  await redis?.stop()
}, 60_000)

interface Query {
  readonly title: string
  readonly expr: string
  readonly instant: boolean
}

const all = (expr: string): string => expr.replaceAll(/\$(\w+)/g, '.*')

const queries: readonly Query[] = emittedDashboards().flatMap(({ panels }) =>
  panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr, instant }) => ({ title, expr: all(expr), instant })),
  ),
)

/** How many series come back; throws what the API says when it refuses. */
async function count({ expr, instant }: Query): Promise<number> {
  const now = Date.now() / 1000
  const parameters = new URLSearchParams(
    instant ? { query: expr } : { query: expr, start: String(now - 120), end: String(now), step: '5' },
  )
  const { status, body } = await celeriac.get(
    `/api/v1/${instant ? 'query' : 'query_range'}?${parameters.toString()}`,
  )
  if (status !== 200) throw new Error(`${expr}: ${JSON.stringify(body)}`)
  return (body as { data: { result: readonly unknown[] } }).data.result.length
}

test('every query returns data, save those that are named with a reason', async () => {
  let missing: readonly Query[] = queries
  await eventually('all queries return data', 180_000, async () => {
    await sleep(1000)
    const counts = await Promise.all(missing.map(count))
    missing = missing.filter((_, i) => counts[i] === 0)
    const unexplained = missing.filter(({ expr }) => reasonFor(expr) === undefined)
    if (unexplained.length > 0)
      throw new Error(unexplained.map(({ title, expr }) => `${title}: ${expr}`).join('\n'))
    return true
  })
  // No reason for what nothing shows.
  for (const metric of Object.keys(EMPTY))
    expect([metric, queries.some(({ expr }) => expr.includes(metric))]).toEqual([metric, true])
}, 240_000)

test('the values of every variable can be chosen', async () => {
  for (const { templating } of emittedDashboards())
    for (const { definition } of templating.list) {
      const match = /^label_values\((.*), (\w+)\)$/.exec(definition ?? '')
      if (match === null) continue
      const [, selector = '', label = ''] = match
      const query = { title: definition ?? '', expr: all(`count by (${label}) (${selector})`), instant: true }
      expect([definition, await count(query)]).not.toEqual([definition, 0])
    }
})
