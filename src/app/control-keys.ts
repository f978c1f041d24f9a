import type { ControlKeysReading } from '../broker/index.ts'
import { metrics } from '../catalog/index.ts'
import type { MetricsRegistry } from '../metrics/index.ts'

const KINDS = ['event', 'control', 'reply'] as const

/** Sets the gauges of keys (or queues) of events, remote control and replies; what was not told is absent. */
export function setControlKeys(
  registry: MetricsRegistry,
  broker: string,
  readings: readonly ControlKeysReading[] | null,
): void {
  for (const kind of KINDS) {
    const ofKind = readings?.filter(reading => reading.kind === kind) ?? []
    for (const orphan of [true, false]) {
      const rows = ofKind.filter(reading => reading.orphan === orphan)
      registry.set(
        metrics.brokerControlKeys,
        { broker, kind, orphan: String(orphan) },
        rows.length === 0 ? null : rows.reduce((sum, { keys }) => sum + keys, 0),
      )
    }
    const bytes = ofKind.map(reading => reading.bytes)
    registry.set(
      metrics.brokerControlBytes,
      { broker, kind },
      bytes.length === 0 || bytes.includes(null)
        ? null
        : bytes.reduce<number>((sum, each) => sum + (each ?? 0), 0),
    )
  }
}
