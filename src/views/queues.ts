import { compareText, DAY, SECOND } from '../base/index.ts'
import { metrics, panels } from '../catalog/index.ts'
import type { Overview } from '../contract/index.ts'
import type { VectorSample } from '../promql/index.ts'
import type { Ask } from './ask.ts'
import type { AlertRow } from './alerts.ts'
import { ageOf, type OverviewInput } from './input.ts'

export type QueueRow = Overview['queues'][number]

/** The window over which a queue's direction is judged. */
const WINDOW_SECONDS = 300
const SLOPE = `max by (broker, queue) (deriv(${metrics.queueDepth.name}[5m]))`

/** A queue that would need longer than this to drain stands still for all that people care. */
const LONGEST_DRAIN_SECONDS = DAY / SECOND

/** Every queue of every fleet, worst first: firing, pending, growing, then by depth. */
export async function buildQueues(
  input: OverviewInput,
  ask: Ask,
  alerts: readonly AlertRow[],
): Promise<QueueRow[]> {
  const [arriving, leaving, slopes] = await Promise.all([
    ask.panel(panels.queueIn),
    ask.panel(panels.queueOut),
    ask.text(SLOPE, ['broker']),
  ])
  const into = byQueue(arriving.samples)
  const out = byQueue(leaving.samples)
  const slope = byQueue(slopes.samples)
  const states = statesOf(alerts)
  const gone = ageOf(input) === 'gone'
  const rows = input.fleets.flatMap(fleet =>
    fleet.queues(input.nowMs).map((view): QueueRow => {
      const key = keyOf(fleet.broker, view.queue)
      const depth = gone ? null : view.depth
      return {
        broker: fleet.broker,
        queue: view.queue,
        state: states.get(key) ?? (depth === null ? 'unknown' : 'ok'),
        depth,
        oldestSeconds: gone ? null : view.oldestTaskAgeSeconds,
        inPerSecond: into.get(key) ?? null,
        outPerSecond: out.get(key) ?? null,
        ...direction(depth, slope.get(key) ?? null),
        consumers: gone ? null : view.consumers,
      }
    }),
  )
  return rows.sort(worstFirst)
}

/**
 * Where a queue is going, by the slope of its depth over five minutes: what came in less what went out, whether or not events
 * tell of either. A change of less than one message and less than 2 % over the window is steady.
 */
function direction(
  depth: number | null,
  slopePerSecond: number | null,
): Pick<QueueRow, 'trend' | 'drainsInSeconds'> {
  if (depth === null) return { trend: 'unknown', drainsInSeconds: null }
  if (depth === 0) return { trend: 'empty', drainsInSeconds: null }
  if (slopePerSecond === null) return { trend: 'unknown', drainsInSeconds: null }
  const change = Math.abs(slopePerSecond) * WINDOW_SECONDS
  if (change < 1 || change < 0.02 * depth) return { trend: 'steady', drainsInSeconds: null }
  if (slopePerSecond > 0) return { trend: 'growing', drainsInSeconds: null }
  const drainsInSeconds = depth / -slopePerSecond
  return drainsInSeconds > LONGEST_DRAIN_SECONDS
    ? { trend: 'steady', drainsInSeconds: null }
    : { trend: 'draining', drainsInSeconds }
}

const keyOf = (broker: string, queue: string): string => JSON.stringify([broker, queue])

const byQueue = (samples: readonly VectorSample[]): ReadonlyMap<string, number> =>
  new Map(samples.map(({ labels, value }) => [keyOf(labels.get('broker'), labels.get('queue')), value]))

function statesOf(alerts: readonly AlertRow[]): ReadonlyMap<string, 'firing' | 'pending'> {
  const states = new Map<string, 'firing' | 'pending'>()
  for (const { labels, state } of alerts) {
    const { broker, queue } = labels
    if (broker === undefined || queue === undefined) continue
    const key = keyOf(broker, queue)
    if (state === 'firing' || !states.has(key)) states.set(key, state)
  }
  return states
}

/** firing, pending, growing, the rest, unknown. */
function rank(row: QueueRow): number {
  if (row.state === 'firing') return 0
  if (row.state === 'pending') return 1
  if (row.state === 'unknown') return 4
  return row.trend === 'growing' ? 2 : 3
}

const worstFirst = (a: QueueRow, b: QueueRow): number =>
  rank(a) - rank(b) ||
  (b.depth ?? -1) - (a.depth ?? -1) ||
  compareText(a.queue, b.queue) ||
  compareText(a.broker, b.broker)
