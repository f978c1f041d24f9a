import { compareText } from '../base/index.ts'
import { panels } from '../catalog/index.ts'
import type { FindingRow, Overview } from '../contract/index.ts'
import { buildAlerts, ruleHealth } from './alerts.ts'
import { createAsk } from './ask.ts'
import { buildFailing } from './failing.ts'
import { ageOf, MAX_ROWS, type OverviewInput } from './input.ts'
import { type LimitOf, limitsOf, unitsOf } from './limits.ts'
import { buildQueues, type QueueRow } from './queues.ts'
import { type Around, buildTiles } from './tiles.ts'
import { buildVerdict, sourceRows } from './verdict.ts'

type WorkerCell = Overview['workers'][number]

/**
 * Everything the Overview page shows, from one look at the whole state. null is unknown, never 0; what is older than three
 * collection intervals is stale, older than ten is no longer told. Lists hold at most 100 rows, totals stand beside them.
 */
export async function buildOverview(input: OverviewInput): Promise<Overview> {
  const ask = createAsk(input)
  const limitOf = limitsOf(input.alerts)
  const alerts = buildAlerts(input.rules, unitsOf(input.alerts))
  const sources = sourceRows(input)
  const rulesEvaluated = ruleHealth(input.rules)
  const [queues, failing] = await Promise.all([buildQueues(input, ask, alerts), buildFailing(ask)])
  const workers = workerCells(input)
  const around = aroundOf(input, queues, workers)
  const tiles = await buildTiles(input, ask, limitOf, around)
  // Ages need task_send_sent_event in the senders; where it is off, depths say the next best thing.
  const knowsAges = tiles.some(
    tile => tile.id === panels.oldestMessage.id && tile.spark.some(([, value]) => value !== null),
  )
  const firing = alerts.filter(alert => alert.state === 'firing').length
  return {
    version: input.version,
    simulated: input.simulated,
    startedAtMs: input.startedAtMs,
    nowMs: input.nowMs,
    collectedAtMs: input.collectedAtMs,
    collectIntervalMs: input.collectIntervalMs,
    brokers: input.brokers.map(({ name, transport, address, state }) => ({
      name,
      transport,
      address,
      state: state.state,
      sinceMs: state.sinceMs,
      error: state.error?.message ?? null,
    })),
    sources,
    findings: findingRows(input.findings),
    verdict: buildVerdict(
      input,
      {
        alerts,
        rules: rulesEvaluated,
        sources,
        queues: queues.length,
        workers: around.workersUp,
      },
      limitOf,
    ),
    tiles,
    charts: charts(limitOf, knowsAges),
    queues: queues.slice(0, MAX_ROWS),
    queuesTotal: queues.length,
    workers: workers.slice(0, MAX_ROWS),
    workersTotal: workers.length,
    alerts: alerts.slice(0, MAX_ROWS),
    alertsTotal: { firing, pending: alerts.length - firing },
    rulesEvaluated,
    failing,
    changes: input.changes.slice(0, MAX_ROWS),
  }
}

const LEVELS: readonly FindingRow['level'][] = ['wrong', 'missing', 'info']

/** Worst first, over all brokers. */
const findingRows = (findings: readonly FindingRow[]): FindingRow[] =>
  findings
    .filter(({ level }) => LEVELS.includes(level))
    .sort((a, b) => LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level))
    .slice(0, MAX_ROWS)

const charts = (limitOf: LimitOf, knowsAges: boolean): Overview['charts'] =>
  [knowsAges ? panels.oldestByQueue : panels.waitingByQueue, panels.tasksInOut].map(panel => {
    const limit = limitOf('limit' in panel ? panel.limit : undefined, undefined)
    return {
      id: panel.id,
      title: panel.title,
      subtitle: panel.subtitle,
      unit: panel.unit,
      queries: panel.queries.map(({ expr, legend }) => ({ expr: expr.text, legend })),
      limit: limit === null ? null : { value: limit.value, alert: limit.alert },
    }
  })

const ORDER: readonly WorkerCell['state'][] = ['vanished', 'suspect', 'up', 'stopped']

/** Lost ones first, then by name. */
const workerCells = (input: OverviewInput): WorkerCell[] => {
  const gone = ageOf(input) === 'gone'
  return input.fleets
    .flatMap(fleet =>
      fleet.workers(input.nowMs).map((view): WorkerCell => ({
        broker: fleet.broker,
        worker: view.worker,
        state: view.state,
        sinceMs: view.sinceMs,
        active: gone ? null : view.active,
        concurrency: view.concurrency,
        reserved: gone ? null : view.reserved,
        queues: view.queues === null ? null : [...view.queues],
      })),
    )
    .sort(
      (a, b) =>
        ORDER.indexOf(a.state) - ORDER.indexOf(b.state) ||
        compareText(a.worker, b.worker) ||
        compareText(a.broker, b.broker),
    )
}

function aroundOf(input: OverviewInput, queues: readonly QueueRow[], workers: readonly WorkerCell[]): Around {
  const counts = input.fleets.map(fleet => fleet.totals(input.nowMs).workers)
  return {
    queues: queues.length,
    waiting: sumKnown(queues.map(row => row.depth)),
    inPerSecond: sumKnown(queues.map(row => row.inPerSecond)),
    outPerSecond: sumKnown(queues.map(row => row.outPerSecond)),
    workersUp:
      counts.length === 0 || counts.includes(null)
        ? null
        : counts.reduce<number>((sum, each) => sum + (each ?? 0), 0),
    workersLost: workers.filter(worker => worker.state === 'vanished').length,
  }
}

/** The sum of what is known; null when nothing is. */
function sumKnown(values: readonly (number | null)[]): number | null {
  const known = values.filter(value => value !== null)
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0)
}
