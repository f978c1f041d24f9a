import { AsyncLocalStorage } from 'node:async_hooks'

const storage = new AsyncLocalStorage<string>()

/** Runs a function, and all that it starts, under an id. */
export const withCorrelationId = <T>(correlationId: string, run: () => T): T =>
  storage.run(correlationId, run)

/** The id of what runs now; undefined outside of any. */
export const currentCorrelationId = (): string | undefined => storage.getStore()

/**
 * A `mixin` for pino: every line written under an id carries it as `labels.correlation_id`, where Elastic Common Schema keeps
 * keywords of one's own (ECS reference, base fields).
 */
export function correlationMixin(): { labels?: { correlation_id: string } } {
  const id = storage.getStore()
  return id === undefined ? {} : { labels: { correlation_id: id } }
}
