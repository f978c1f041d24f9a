import { beforeEach, expect, test } from 'vitest'
import { MINUTE, SECOND } from '../base/index.ts'
import { configureAlerts } from '../catalog/index.ts'
import { overview as schema, type Overview } from '../contract/index.ts'
import { buildOverview } from './overview.ts'
import { activeAlert, createStage, groupStatus, type Stage, T0, WORKERS } from './stage.case.ts'

const THIN = '\u202f'

let stage: Stage
beforeEach(() => {
  stage = createStage()
})

const tile = (overview: Overview, id: string) => overview.tiles.find(each => each.id === id)
const look = (changes: Parameters<Stage['input']>[0] = {}) => buildOverview(stage.input(changes))

/** Connected and well for ten minutes. */
function wellFor(seconds = 600): void {
  stage.connect()
  stage.pass(seconds)
}

test('a healthy fleet: numbers, limits, sparks, and a sentence that proves somebody looked', async () => {
  wellFor()
  stage.nowMs += 2000
  const overview = await look()
  expect(schema.parse(overview)).toEqual(overview)
  expect(overview.verdict).toMatchObject({
    level: 'ok',
    headline: 'All quiet.',
    text: '2 queues, 2 workers, 1 rule, checked 2 s ago.',
  })
  expect(overview.tiles.map(({ id, state }) => `${id} ${state}`)).toEqual([
    'oldest-message ok',
    'waiting ok',
    'task-rate ok',
    'failure-ratio-now ok',
    'runtime-p95 ok',
    'workers-online ok',
  ])
  expect(tile(overview, 'waiting')).toMatchObject({
    value: 10,
    limit: { value: 100, bad: 'over', alert: 'CeleryQueueDepthHigh' },
    detail: 'mail; 10 in 2 queues',
  })
  expect(tile(overview, 'task-rate')?.value).toBeCloseTo(0.4, 2)
  expect(tile(overview, 'workers-online')).toMatchObject({
    value: 2,
    limit: { value: 2, bad: 'under', alert: 'CeleryLowRedundancy' },
  })
  const spark = tile(overview, 'waiting')?.spark ?? []
  expect(spark).toHaveLength(61)
  expect(spark[0]?.[1]).toBeNull()
  expect(spark.at(-1)?.[1]).toBe(10)
  expect(overview.charts.map(chart => chart.id)).toEqual(['oldest-by-queue', 'tasks-in-out'])
  expect(overview.workers).toMatchObject(WORKERS.map(worker => ({ worker, state: 'up', concurrency: 4 })))
})

test('queues without work are named by none of them', async () => {
  wellFor()
  stage.depths.set('mail', 0)
  stage.pass(10)
  expect(tile(await look(), 'waiting')).toMatchObject({ value: 0, detail: 'all 2 queues are empty' })
})

test('while the broker is away every tile says since when, and the verdict alone tells of it', async () => {
  wellFor()
  stage.lose()
  stage.pass(44)
  const { tiles, verdict } = await look()
  expect(tiles.map(({ value, detail }) => [value, detail])).toEqual(
    tiles.map(() => [null, expect.stringMatching(/^the broker is not reached for 4\d/)]),
  )
  expect(verdict).toMatchObject({ level: 'unknown', about: 'broker default' })
})

test('before the first collection nothing is known, and nothing is 0', async () => {
  const overview = await look()
  expect(overview.tiles.map(each => each.value)).toEqual([null, null, null, null, null, null])
  expect(overview.tiles.every(each => each.state === 'unknown' && each.detail !== null)).toBe(true)
  expect(overview.verdict).toMatchObject({ level: 'unknown', headline: 'Broker default is not reached yet.' })
  stage.connection.state = 'connected'
  expect((await look()).verdict.headline).toBe('Nothing is known yet.')
})

test('a lost broker makes numbers unknown, not 0, although counters stand still', async () => {
  wellFor()
  stage.lose()
  stage.pass(300)
  const overview = await look()
  expect(overview.tiles.map(({ value, state }) => [value, state])).toEqual(
    overview.tiles.map(() => [null, 'unknown']),
  )
  for (const row of overview.queues)
    expect(row).toMatchObject({
      depth: null,
      inPerSecond: null,
      outPerSecond: null,
      trend: 'unknown',
      state: 'unknown',
    })
  expect(overview.verdict).toMatchObject({
    level: 'unknown',
    headline: 'The connection to broker default is lost.',
    text: 'For 5 m; it is tried again and again. Nothing answers at redis://cache:6379/0. Until then queues, workers and tasks cannot be known; nothing is taken for 0 or for resolved.',
  })
})

/** The values of each query of a chart over the last `minutes`, one each `stepSeconds`; null where there is none. */
async function drawn(chartId: string, minutes: number, stepSeconds: number): Promise<(number | null)[][]> {
  const overview = await look()
  const endMs = stage.nowMs
  const startMs = endMs - minutes * MINUTE
  const stepMs = stepSeconds * SECOND
  const queries = overview.charts.find(({ id }) => id === chartId)?.queries ?? []
  return Promise.all(
    queries.map(async ({ expr }) => {
      const [series] = await stage.input().queryRange(expr, startMs, endMs, stepMs)
      const values = new Map(series === undefined ? [] : [...series.timestamps].map((at, i) => [at, i]))
      return Array.from({ length: (endMs - startMs) / stepMs + 1 }, (_, i) => {
        const at = values.get(startMs + i * stepMs)
        return at === undefined ? null : (series?.values[at] ?? null)
      })
    }),
  )
}

test('a chart of events is empty while they cannot be heard, and goes on with what is true afterwards, not from 0', async () => {
  stage.failures = 1
  wellFor()
  const rates = [0.4, 0.4, 0.2]
  stage.lose()
  stage.pass(420)
  expect((await drawn('tasks-in-out', 6, 15)).map(values => values.filter(value => value !== null))).toEqual([
    [],
    [],
    [],
  ])
  stage.connect()
  stage.pass(30)
  for (const [i, values] of (await drawn('tasks-in-out', 8, 30)).entries()) {
    expect(values.slice(2, 15)).toEqual(Array.from({ length: 13 }, () => null))
    for (const value of [...values.slice(0, 1), ...values.slice(-1)])
      expect(value).toBeCloseTo(rates[i] ?? Number.NaN, 1)
  }
  const overview = await look()
  expect(tile(overview, 'task-rate')?.value).toBeCloseTo(0.4, 1)
  expect(overview.queues.find(({ queue }) => queue === 'mail')?.outPerSecond).toBeCloseTo(0.4, 1)
  const spark = tile(overview, 'task-rate')?.spark.slice(-8) ?? []
  expect(spark.filter(([, value]) => value === null)).toHaveLength(7)
})

test('where the broker kept the events of an outage, a rate is of all time: what comes late counts for the time it waited', async () => {
  stage.losesEvents = false
  wellFor()
  stage.lose()
  stage.pass(120)
  stage.connect()
  stage.pass(30)
  expect(tile(await look(), 'task-rate')?.value).toBeCloseTo(0.4 * 0.6, 1)
})

test('an alert held while the broker is lost is told as held, not as the verdict', async () => {
  wellFor()
  stage.lose()
  stage.pass(60)
  const held = activeAlert(
    'CeleryQueueDepthHigh',
    { broker: 'default', queue: 'mail' },
    { heldSinceMs: stage.nowMs - 30_000 },
  )
  const overview = await look({ rules: [groupStatus([held], stage.nowMs)] })
  expect(overview.verdict.level).toBe('unknown')
  expect(overview.verdict.text).toContain('1 alert fired before and is held')
  expect(overview.alerts[0]).toMatchObject({ state: 'firing', heldSinceMs: stage.nowMs - 30_000 })
})

test('collection that stands still: first stale with its age, then no longer told', async () => {
  wellFor()
  stage.nowMs += 20_000
  const stale = await look()
  expect(tile(stale, 'waiting')).toMatchObject({ value: 10, state: 'stale' })
  expect(stale.verdict).toMatchObject({ level: 'unknown', headline: 'The numbers are 20 s old.' })
  stage.nowMs += 40_000
  const gone = await look()
  expect(tile(gone, 'waiting')).toMatchObject({ value: null, state: 'unknown' })
  expect(gone.queues.every(row => row.depth === null)).toBe(true)
})

test('the worst alert speaks with number, limit and age; the rest is counted', async () => {
  wellFor()
  stage.depths.set('mail', 1234)
  stage.pass(15)
  const rules = [
    groupStatus(
      [
        activeAlert('CeleryQueueWaitHigh', { broker: 'default', queue: 'mail' }, { state: 'pending' }),
        activeAlert('CeleryQueueDepthHigh', { broker: 'default', queue: 'mail' }, { value: 1234 }),
        activeAlert('CeleryNoWorkers', { broker: 'other' }, { value: 0, activeAtMs: stage.nowMs - 90_000 }),
      ],
      stage.nowMs,
    ),
  ]
  const overview = await look({ rules })
  expect(overview.verdict).toMatchObject({
    level: 'critical',
    headline: 'CeleryNoWorkers of all.',
    text: 'Now 0, limit 1. Active for 1 m 30 s. 1 more firing, 1 pending.',
  })
  expect(overview.alerts.map(alert => alert.name)).toEqual([
    'CeleryNoWorkers',
    'CeleryQueueDepthHigh',
    'CeleryQueueWaitHigh',
  ])
  expect(overview.alertsTotal).toEqual({ firing: 2, pending: 1 })
  expect(tile(overview, 'waiting')).toMatchObject({
    value: 1234,
    state: 'over',
    detail: `mail; 1${THIN}234 in 2 queues`,
  })
  expect(overview.queues[0]).toMatchObject({ queue: 'mail', state: 'firing' })
})

test('only pending: the verdict says so and when it would fire', async () => {
  wellFor()
  const pending = activeAlert(
    'CeleryQueueDepthHigh',
    { broker: 'default', queue: 'mail' },
    { state: 'pending', activeAtMs: stage.nowMs - 60_000 },
  )
  const { verdict } = await look({ rules: [groupStatus([pending], stage.nowMs)] })
  expect(verdict).toMatchObject({
    level: 'pending',
    headline: 'CeleryQueueDepthHigh of mail.',
    text: 'Now 150, limit 100. Nothing fires yet; it would after 5 m, and has been so for 1 m.',
  })
})

test('rules that fail are no quiet', async () => {
  wellFor()
  const group = groupStatus([], stage.nowMs)
  const rules = [
    {
      ...group,
      rules: group.rules.map(rule => ({ ...rule, health: 'err' as const, lastError: 'many-to-many' })),
    },
  ]
  const { verdict, rulesEvaluated } = await look({ rules })
  expect(verdict).toMatchObject({ level: 'warning', headline: '1 of 1 rule cannot be evaluated.' })
  expect(verdict.text).toContain('many-to-many')
  expect(rulesEvaluated.failing).toBe(1)
})

test('workers that fall silent are lost, in the grid first, and in the words of the tile', async () => {
  wellFor()
  stage.alive = [WORKERS[1]]
  stage.pass(120)
  const overview = await look()
  expect(overview.workers.map(({ worker, state }) => `${worker} ${state}`)).toEqual([
    'w1@host-a vanished',
    'w2@host-b up',
  ])
  expect(tile(overview, 'workers-online')).toMatchObject({ value: 1, state: 'over', detail: '1 worker lost' })
})

test('queues stand worst first, with their direction and when they will be empty', async () => {
  stage.depths.set('big', 5000).set('draining', 900).set('growing', 20).set('quiet', 0)
  stage.growthPerStep.set('growing', 5).set('draining', -5)
  wellFor()
  const { queues, queuesTotal } = await look()
  expect(queues.map(row => `${row.queue} ${row.trend}`)).toEqual([
    'growing growing',
    'big steady',
    'draining draining',
    'mail steady',
    'quiet empty',
    'reports empty',
  ])
  expect(queuesTotal).toBe(6)
  const draining = queues.find(row => row.queue === 'draining')
  expect(draining?.depth).toBe(300)
  expect(draining?.drainsInSeconds).toBeCloseTo(300, -1)
})

test('a queue of its own limit is judged by it', async () => {
  stage.depths.set('big', 500)
  wellFor()
  const alerts = configureAlerts({ CeleryQueueDepthHigh: { queues: { big: 10_000, mail: 5 } } })
  expect(tile(await look({ alerts }), 'waiting')).toMatchObject({
    value: 10,
    limit: { value: 5 },
    state: 'over',
  })
  const off = configureAlerts({ CeleryQueueDepthHigh: { enabled: false } })
  expect(tile(await look({ alerts: off }), 'waiting')).toMatchObject({ value: 500, limit: null, state: 'ok' })
})

test('without task-sent events the oldest message is unknown with the setting that brings it, and depths are charted', async () => {
  stage.tell.sent = false
  wellFor()
  const overview = await look()
  expect(tile(overview, 'oldest-message')).toMatchObject({
    value: null,
    detail: expect.stringContaining('task_send_sent_event') as unknown,
  })
  expect(overview.charts[0]?.id).toBe('waiting-by-queue')
})

test('tasks that fail are listed with their exception and share', async () => {
  stage.failures = 1
  wellFor()
  const overview = await look()
  expect(overview.failing).toMatchObject([{ broker: 'default', task: 'shop.bill', exception: 'ValueError' }])
  expect(overview.failing[0]?.failed).toBeGreaterThan(100)
  expect(overview.failing[0]?.ratio).toBeCloseTo(0.5, 1)
  expect(tile(overview, 'failure-ratio-now')).toMatchObject({ state: 'over' })
})

test('a query that fails costs its tile, not the page', async () => {
  wellFor()
  const { query } = stage.input()
  const overview = await look({
    query(expr, atMs) {
      if (expr.includes('celery_worker_count')) throw new Error('too many samples')
      return query(expr, atMs)
    },
  })
  expect(tile(overview, 'workers-online')).toMatchObject({
    value: null,
    detail: 'cannot be computed: too many samples',
  })
  expect(tile(overview, 'waiting')?.value).toBe(10)
})

test('lists are cut at 100 rows; the totals tell the truth', async () => {
  for (let i = 0; i < 300; i++) stage.depths.set(`q${i}`, i)
  wellFor(60)
  const many = Array.from({ length: 250 }, (_, i) =>
    activeAlert('CeleryQueueDepthHigh', { broker: 'default', queue: `q${i}` }),
  )
  const overview = await look({
    rules: [groupStatus(many, stage.nowMs)],
    changes: Array.from({ length: 150 }, () => ({
      atMs: T0,
      kind: 'firing' as const,
      subject: 's',
      text: 't',
    })),
  })
  expect([overview.queues.length, overview.queuesTotal]).toEqual([100, 302])
  expect([overview.alerts.length, overview.alertsTotal?.firing]).toEqual([100, 250])
  expect(overview.changes).toHaveLength(100)
})

test('no broker at all is said, with what to do', async () => {
  expect((await look({ brokers: [], fleets: [] })).verdict).toMatchObject({
    level: 'unknown',
    headline: 'No broker is watched.',
  })
})
