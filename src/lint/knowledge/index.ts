import { CADVISOR } from './cadvisor.ts'
import { CELERIAC, CELERIAC_RECORDED } from './celeriac.ts'
import { CELERY_EXPORTER } from './celery-exporter.ts'
import type { KnownMetric } from './known.ts'
import { REDIS_EXPORTER, REDIS_MEANT } from './redis-exporter.ts'

export {
  CADVISOR,
  CELERIAC,
  CELERIAC_RECORDED,
  CELERY_EXPORTER,
  type KnownMetric,
  REDIS_EXPORTER,
  REDIS_MEANT,
}
export { known } from './known.ts'

const SUFFIX = /_(?:bucket|sum|count)$/

/** Metrics by name; the parts of a histogram or summary lead to it. */
export class MetricTable {
  readonly #metrics: ReadonlyMap<string, KnownMetric>

  /** Of metrics of one name the first counts. */
  constructor(metrics: readonly KnownMetric[]) {
    this.#metrics = new Map(metrics.toReversed().map(metric => [metric.name, metric]))
  }

  get(name: string): KnownMetric | undefined {
    const own = this.#metrics.get(name)
    if (own !== undefined) return own
    const base = SUFFIX.test(name) ? this.#metrics.get(name.replace(SUFFIX, '')) : undefined
    return base?.kind === 'histogram' || base?.kind === 'summary' ? base : undefined
  }

  get names(): readonly string[] {
    return [...this.#metrics.keys()]
  }
}
