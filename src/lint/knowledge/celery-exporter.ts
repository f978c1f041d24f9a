import { known, type KnownMetric } from './known.ts'

const ORIGIN = 'celery-exporter'
const TASK = ['name', 'hostname', 'queue_name'] as const

/** prometheus_client's default buckets, which celery-exporter takes unless told otherwise. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]

const counter = (name: string, more: readonly string[] = []): KnownMetric =>
  known(`celery_task_${name}_total`, 'counter', ORIGIN, { labels: [...TASK, ...more], appearsLate: true })

/** danihodovic/celery-exporter 0.12 (`src/exporter.py`). */
export const CELERY_EXPORTER: readonly KnownMetric[] = [
  ...['sent', 'received', 'started', 'succeeded', 'rejected', 'revoked', 'retried'].map(name =>
    counter(name),
  ),
  counter('failed', ['exception']),
  known('celery_task_runtime', 'histogram', ORIGIN, { labels: TASK, buckets: BUCKETS }),
  known('celery_task_queue_wait_time', 'histogram', ORIGIN, { labels: TASK }),
  known('celery_worker_up', 'gauge', ORIGIN, { labels: ['hostname'] }),
  known('celery_worker_tasks_active', 'gauge', ORIGIN, { labels: ['hostname'] }),
  known('celery_worker_last_heartbeat_timestamp', 'gauge', ORIGIN, { labels: ['hostname'] }),
  known('celery_queue_length', 'gauge', ORIGIN, { labels: ['queue_name'] }),
  known('celery_active_consumer_count', 'gauge', ORIGIN, { labels: ['queue_name'], zero: 'count' }),
  known('celery_active_worker_count', 'gauge', ORIGIN, { labels: ['queue_name'], zero: 'count' }),
  known('celery_active_process_count', 'gauge', ORIGIN, { labels: ['queue_name'], zero: 'count' }),
]
