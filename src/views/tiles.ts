import { HOUR, MINUTE, wordDuration } from '../base/index.ts'
import { type Panel, panels } from '../catalog/index.ts'
import type { Overview } from '../contract/index.ts'
import type { MatrixSeries, VectorSample } from '../promql/index.ts'
import type { Answer, Ask } from './ask.ts'
import { ageOf, type OverviewInput } from './input.ts'
import { type LimitOf, severityOf, standing } from './limits.ts'
import { counted, wordValue } from './values.ts'

export type Tile = Overview['tiles'][number]

const SPARK_STEP_MS = MINUTE
const SPARK_MS = HOUR

const TILES = [
  panels.oldestMessage,
  panels.waiting,
  panels.taskRate,
  panels.failureRatioNow,
  panels.runtimeP95,
  panels.workersOnline,
] as const

/** Numbers of the whole fleet that tiles mention beside their own. */
export interface Around {
  readonly queues: number
  readonly waiting: number | null
  readonly inPerSecond: number | null
  readonly outPerSecond: number | null
  readonly workersUp: number | null
  readonly workersLost: number
}

/** The six tiles of the Overview: the worst number of each kind, against the limit of its alert. */
export const buildTiles = (
  input: OverviewInput,
  ask: Ask,
  limitOf: LimitOf,
  around: Around,
): Promise<Tile[]> => Promise.all(TILES.map(panel => buildTile(panel, input, ask, limitOf, around)))

async function buildTile(
  panel: Panel,
  input: OverviewInput,
  ask: Ask,
  limitOf: LimitOf,
  around: Around,
): Promise<Tile> {
  const [answer, spark] = await Promise.all([ask.panel(panel), readSpark(panel, input)])
  const { value, sample } = reduce(panel, answer.samples, limitOf)
  const limit = limitOf(panel.limit, sample?.labels)
  const stale = answer.stale || ageOf(input) === 'stale'
  return {
    id: panel.id,
    title: panel.title,
    value,
    unit: panel.unit,
    limit: limit === null ? null : { value: limit.value, bad: limit.bad, alert: limit.alert },
    state: value === null ? 'unknown' : stale ? 'stale' : limit === null ? 'ok' : standing(value, limit),
    detail: value === null ? reasonOf(panel, answer, input) : detailOf(panel, value, sample, input, around),
    spark,
  }
}

/** The sample that counts, or the sum of all. With a limit it is the one that is worst by its own limit. */
function reduce(
  panel: Panel,
  samples: readonly VectorSample[],
  limitOf: LimitOf,
): { readonly value: number | null; readonly sample: VectorSample | undefined } {
  const by = panel.reduce?.by ?? 'max'
  if (samples.length === 0) return { value: null, sample: undefined }
  if (by === 'sum') return { value: samples.reduce((sum, { value }) => sum + value, 0), sample: undefined }
  const badness = (sample: VectorSample): number => {
    const limit = limitOf(panel.limit, sample.labels)
    return limit === null ? 0 : severityOf(sample.value, limit)
  }
  const extreme = (a: VectorSample, b: VectorSample): number =>
    by === 'max' ? b.value - a.value : a.value - b.value
  const [worst] = [...samples].sort((a, b) => badness(b) - badness(a) || extreme(a, b))
  return { value: worst?.value ?? null, sample: worst }
}

/** Why a number is not known, and since when where that is known. */
function reasonOf(panel: Panel, answer: Answer, input: OverviewInput): string {
  const lost = input.brokers.find(broker => broker.state.state !== 'connected')
  if (lost !== undefined) {
    const name = input.brokers.length > 1 ? `broker ${lost.name}` : 'the broker'
    return `${name} is not reached for ${wordDuration(input.nowMs - lost.state.sinceMs)}`
  }
  if (answer.missing !== null) return answer.missing
  return panel.id === panels.workersOnline.id
    ? 'neither events nor answers have told of workers yet'
    : 'nothing to measure in the last 5 minutes'
}

function detailOf(
  panel: Panel,
  value: number,
  sample: VectorSample | undefined,
  input: OverviewInput,
  around: Around,
): string | null {
  const several = input.fleets.length > 1
  const broker = sample?.labels.get('broker') ?? ''
  const place = several && broker !== '' ? ` on ${broker}` : ''
  const subject = panel.reduce?.subject ?? null
  const name = subject === null || subject === 'broker' ? '' : (sample?.labels.get(subject) ?? '')
  switch (panel.id) {
    case panels.waiting.id:
      if (value === 0)
        return around.queues === 1 ? `${name} is empty` : `all ${counted(around.queues, 'queue')} are empty`
      return around.waiting === null
        ? `${name}${place}`
        : `${name}${place}; ${wordValue(around.waiting, 'count')} in ${counted(around.queues, 'queue')}`
    case panels.oldestMessage.id:
      return sample?.value === 0 ? 'none waits' : `${name}${place}`
    case panels.taskRate.id: {
      const parts = [
        around.inPerSecond === null ? null : `in ${wordValue(around.inPerSecond, 'per_second')}`,
        around.outPerSecond === null ? null : `out ${wordValue(around.outPerSecond, 'per_second')}`,
      ].filter(part => part !== null)
      return parts.length === 0 ? null : parts.join(' · ')
    }
    case panels.workersOnline.id: {
      const lost = around.workersLost
      const all = `${place.trim()}${several && around.workersUp !== null ? `, ${around.workersUp} in all` : ''}`
      return lost > 0
        ? `${counted(lost, 'worker')} lost${all === '' ? '' : `; ${all}`}`
        : all === ''
          ? null
          : all
    }
    default:
      return name === '' ? (place === '' ? null : place.trim()) : `${name}${place}`
  }
}

/** One value a minute over the last hour; null where nothing is known. Empty when it cannot be computed: the tile says why. */
async function readSpark(panel: Panel, input: OverviewInput): Promise<Tile['spark']> {
  const expr = panel.queries[0]?.expr.text
  if (expr === undefined) return []
  const endMs = Math.floor(input.nowMs / SPARK_STEP_MS) * SPARK_STEP_MS
  const startMs = endMs - SPARK_MS
  let series: readonly MatrixSeries[]
  try {
    series = await input.queryRange(`${panel.reduce?.by ?? 'max'}(${expr})`, startMs, endMs, SPARK_STEP_MS)
  } catch {
    // The same expression fails as an instant query, and its tile tells the reason.
    return []
  }
  const byTime = new Map<number, number>()
  for (const { timestamps, values } of series.slice(0, 1))
    timestamps.forEach((atMs, i) => byTime.set(atMs, values[i] ?? Number.NaN))
  const spark: Tile['spark'] = []
  for (let atMs = startMs; atMs <= endMs; atMs += SPARK_STEP_MS) {
    const value = byTime.get(atMs)
    spark.push([atMs, value === undefined || !Number.isFinite(value) ? null : value])
  }
  return spark
}
