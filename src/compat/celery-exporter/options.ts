import { CeleriacError, isLabelName, MINUTE } from '../../base/index.ts'

/** What celery-exporter's flags set. Times in ms, bounds in seconds. */
export interface CeleryExporterOptions {
  /** What every name begins with. */
  readonly metricPrefix: string
  /** Upper bounds of run times and of waits, ascending, without +Inf. */
  readonly runtimeBuckets: readonly number[]
  readonly waitBuckets: readonly number[]
  /** Silence after which a worker is told to be down; 0: silence is no proof, only a goodbye is. */
  readonly workerTimeoutMs: number
  /** Silence after which everything about a worker that is gone is removed; 0: never. */
  readonly purgeAfterMs: number
  /** One host, `generic`, for all clients that send, and for all workers. */
  readonly genericSentHostname: boolean
  readonly genericWorkerHostname: boolean
  /** What stands for a queue that is not known. */
  readonly defaultQueue: string
  /** Labels of every series. */
  readonly staticLabels: Readonly<Record<string, string>>
  /** Label sets that tasks may have before hosts are told as `generic`. */
  readonly maxTaskSeries: number
}

/** What celery-exporter does when nothing is said (`src/cli.py` at v0.12.2 and after); `unknown` and the limit are ours. */
export const CELERY_EXPORTER_DEFAULTS: CeleryExporterOptions = {
  metricPrefix: 'celery_',
  runtimeBuckets: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
  waitBuckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800],
  workerTimeoutMs: 5 * MINUTE,
  purgeAfterMs: 10 * MINUTE,
  genericSentHostname: false,
  genericWorkerHostname: false,
  defaultQueue: 'unknown',
  staticLabels: {},
  maxTaskSeries: 10_000,
}

const OWN_LABELS: readonly string[] = ['name', 'hostname', 'queue_name', 'exception', 'le', '__name__']

const wrong = (what: string, message: string): CeleriacError =>
  new CeleriacError('CONFIG_INVALID', `${what} of celery-exporter's page: ${message}.`)

/** Throws CONFIG_INVALID. `withBroker`: the label `broker` is taken. */
export function checkOptions(options: CeleryExporterOptions, withBroker: boolean): void {
  if (!/^(?:[a-zA-Z_:][a-zA-Z0-9_:]*)?$/.test(options.metricPrefix))
    throw wrong(
      'The metric prefix',
      `expected the beginning of a metric name, got ${JSON.stringify(options.metricPrefix)}`,
    )
  for (const [what, bounds] of [
    ['The buckets of run times', options.runtimeBuckets],
    ['The buckets of waits', options.waitBuckets],
  ] as const) {
    const ascending = bounds.every(
      (bound, i) => Number.isFinite(bound) && bound > (bounds[i - 1] ?? -Infinity),
    )
    if (bounds.length === 0 || !ascending)
      throw wrong(what, 'expected ascending numbers of seconds such as 0.1,1,10')
  }
  for (const label of Object.keys(options.staticLabels)) {
    if (!isLabelName(label)) throw wrong('A static label', `${JSON.stringify(label)} is no label name`)
    if (OWN_LABELS.includes(label) || (withBroker && label === 'broker'))
      throw wrong('A static label', `${label} is taken already; choose another name`)
  }
}
