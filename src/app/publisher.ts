import type { Clock, Log } from '../base/index.ts'
import { type ConfiguredAlert, metrics, publishedMetrics } from '../catalog/index.ts'
import type { Config } from '../config/index.ts'
import type { MetricsRegistry } from '../metrics/index.ts'
import { createPublisher, openCloudWatch, type Publisher } from '../publish/index.ts'
import type { Queries } from './queries.ts'

/** Joins the publisher to what it publishes. Throws CONFIG_INVALID when the AWS SDK is not installed. */
export async function openPublisher(
  options: NonNullable<Config['cloudwatch']>,
  of: {
    readonly alerts: readonly ConfiguredAlert[]
    readonly clock: Clock
    readonly log: Log
    readonly registry: MetricsRegistry
    readonly collectedAtMs: () => number | null
    readonly vector: Queries['vector']
  },
): Promise<Publisher> {
  const { registry, clock, log, collectedAtMs, vector } = of
  return createPublisher({
    ...options,
    table: publishedMetrics(of.alerts),
    sink: await openCloudWatch(options),
    clock,
    log,
    collectedAtMs,
    vector,
    samples: () => registry.samples(),
    published: data => registry.add(metrics.cloudwatchPublished, {}, data),
    failed: reason => registry.add(metrics.cloudwatchFailed, { reason }),
    dropped: (reason, data) => registry.add(metrics.cloudwatchDropped, { reason }, data),
  })
}
