import { type Metric, metrics, recorded } from '../../catalog/index.ts'
import { known, type KnownMetric } from './known.ts'

/** Counts that are 0 when everything is down, and limits that are 0 when none is set. */
const ZERO: Readonly<Record<string, KnownMetric['zero']>> = {
  celery_worker_count: 'count',
  celery_workers: 'count',
  celery_worker_concurrency: 'count',
  celery_queue_consumers: 'count',
  redis_memory_max_bytes: 'limit',
  redis_maxclients: 'limit',
  celery_broker_memory_max_bytes: 'limit',
}

/** What Celeriac exposes and records, from its catalog. */
export const CELERIAC: readonly KnownMetric[] = [
  ...(Object.values(metrics) as readonly Metric[]),
  ...(Object.values(recorded) as readonly Metric[]),
].map(({ name, kind, labels, buckets }) =>
  known(name, kind, 'Celeriac', {
    labels,
    buckets,
    zero: ZERO[name],
    appearsLate: kind === 'counter' && name.startsWith('celery_task_'),
  }),
)

/** Series that Celeriac records, by name: their names are the guide's on purpose. */
export const CELERIAC_RECORDED: ReadonlyMap<string, string> = new Map(
  Object.values(recorded).map(({ name, expr }) => [name, expr.text]),
)
