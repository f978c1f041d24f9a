import type { Broker } from '../broker/index.ts'

/** celery-exporter's answer at `/health`: one line, as good as its metrics are; they can be had while one broker is connected. */
export function celeryExporterHealth(
  brokers: readonly Pick<Broker, 'address' | 'state'>[],
  live: boolean,
): { readonly ok: boolean; readonly text: string } {
  if (!live) return { ok: false, text: 'The collection of metrics is stuck.' }
  const lost = brokers.filter(({ state }) => state.state !== 'connected')
  const names = (some: typeof brokers): string => some.map(({ address }) => address).join(', ')
  if (brokers.length === 0) return { ok: false, text: 'No broker is configured.' }
  if (lost.length === brokers.length) return { ok: false, text: `Not connected to the broker ${names(lost)}` }
  const connected = `Connected to the broker ${names(brokers.filter(broker => !lost.includes(broker)))}`
  return { ok: true, text: lost.length === 0 ? connected : `${connected}; not connected to ${names(lost)}` }
}
