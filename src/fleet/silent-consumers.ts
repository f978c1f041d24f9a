import { SECOND } from '../base/index.ts'
import type { QueueFacts, ServerState } from './contract.ts'

/** A queue that kept all its messages for so long has no consumer: one would have taken the oldest within a second or two. */
const UNTOUCHED_MS = 10 * SECOND

/**
 * Whether somebody may be consuming who is never heard: workers without events and without remote control say nothing, so that
 * "nobody answered" proves nobody only together with what the broker says. A queue that keeps its messages proves it, and so do no
 * waiting clients (Redis) and no consumers (AMQP); a broker that says neither leaves it open. Before the first reading of the
 * server nothing speaks for anybody.
 */
export class SilentConsumers {
  #blocked: number | null | undefined
  #consumers: number | null = null
  /** Queues that hold messages: since when they kept all of them. */
  #kept = new Map<string, { readonly depth: number; readonly oldest: string; readonly sinceMs: number }>()

  server({ blockedConsumers }: ServerState): void {
    this.#blocked = blockedConsumers
  }

  queues(facts: readonly QueueFacts[], atMs: number): void {
    const kept = new Map<string, { depth: number; oldest: string; sinceMs: number }>()
    let consumers: number | null = null
    for (const { queue, depth, heads, consumers: own } of facts) {
      if (own !== null) consumers = (consumers ?? 0) + own
      if (!(depth > 0)) continue
      const oldest = heads?.join('\n') ?? ''
      const before = this.#kept.get(queue)
      const untouched = before !== undefined && depth >= before.depth && oldest === before.oldest
      kept.set(queue, { depth, oldest, sinceMs: untouched ? before.sinceMs : atMs })
    }
    this.#kept = kept
    this.#consumers = consumers
  }

  lost(): void {
    this.#blocked = undefined
    this.#consumers = null
    this.#kept.clear()
  }

  possible(nowMs: number): boolean {
    if (this.#blocked === undefined) return false
    if (this.#consumers !== null) return this.#consumers > 0
    for (const { sinceMs } of this.#kept.values()) if (nowMs - sinceMs >= UNTOUCHED_MS) return false
    return this.#blocked !== 0
  }
}
