import { Labels, MINUTE, type Sample, SECOND } from '../base/index.ts'
import type { VectorSample } from '../promql/index.ts'
import type { ActiveAlert, AlertingRule, AlertState, QueryPort, RuleGroup, SightPort } from './contract.ts'
import { expandTemplate } from './template/expand.ts'

/** What every rule of an evaluation needs. */
export interface RuleContext {
  readonly group: RuleGroup
  readonly query: QueryPort
  readonly seenSince: SightPort
  /** How far back an expression looks, in ms. */
  readonly reachMs: (expr: string) => number
  readonly externalLabels: Labels
  readonly externalURL: string
}

/** How long a resolved alert is kept, so that its end is told again (Prometheus `resolvedRetention`). */
const RESOLVED_RETENTION_MS = 15 * MINUTE

interface Entry {
  readonly labels: Labels
  annotations: Readonly<Record<string, string>>
  state: AlertState
  value: number
  readonly activeAtMs: number
  firedAtMs: number | undefined
  resolvedAtMs: number | undefined
  heldSinceMs: number | undefined
  /** When a firing alert first went missing, while `keep_firing_for` holds it. */
  missingSinceMs: number | undefined
}

/**
 * The alerts of one rule (Prometheus `rules/alerting.go`; promql.md 6.3). An alert begins pending when its expression first
 * returns its labels; fires once that lasted `for`; becomes inactive when the expression no longer returns it, after
 * `keep_firing_for`; and is forgotten 15 minutes later. A pending one that goes missing is forgotten at once. Our addition: while
 * what the rule watches cannot be seen, a missing alert is held as it is, and a firing one until the whole window of its expression
 * lies after the return: a window in which hardly anything was seen tells nothing.
 */
export class AlertingRuleState {
  readonly rule: AlertingRule
  readonly #context: RuleContext
  #entries = new Map<string, Entry>()

  constructor(rule: AlertingRule, context: RuleContext) {
    this.rule = rule
    this.#context = context
  }

  /** One evaluation at `atMs` (`for` counts on it) of what was true at `sampleMs` (texts speak of it). Throws when two results share an identity or the limit is passed; then nothing has changed, save that a passed limit clears all. */
  async evaluate(vector: readonly VectorSample[], atMs: number, sampleMs: number = atMs): Promise<void> {
    const results = await this.#identify(vector, sampleMs)
    for (const [key, { labels, annotations, value }] of results) {
      const entry = this.#entries.get(key)
      if (entry !== undefined && entry.state !== 'inactive') {
        entry.value = value
        entry.annotations = annotations
        entry.missingSinceMs = undefined
        entry.heldSinceMs = undefined
      } else {
        this.#entries.set(key, {
          labels,
          annotations,
          value,
          state: 'pending',
          activeAtMs: atMs,
          firedAtMs: undefined,
          resolvedAtMs: undefined,
          heldSinceMs: undefined,
          missingSinceMs: undefined,
        })
      }
    }
    for (const [key, entry] of this.#entries) {
      if (!results.has(key)) this.#missing(key, entry, atMs, sampleMs)
      else this.#advance(entry, atMs)
    }
    const { limit } = this.#context.group
    const active = this.active().length
    if (limit !== undefined && limit > 0 && active > limit) {
      this.#clear(atMs)
      throw new Error(`exceeded limit of ${limit} with ${active} alerts`)
    }
  }

  /** Ends everything: who was told of an alert is to be told that it is over. */
  #clear(atMs: number): void {
    for (const [key, entry] of this.#entries) {
      if (entry.state === 'inactive') continue
      if (entry.state === 'pending' || entry.firedAtMs === atMs) this.#entries.delete(key)
      else {
        entry.state = 'inactive'
        entry.resolvedAtMs = atMs
        entry.heldSinceMs = undefined
        entry.missingSinceMs = undefined
      }
    }
  }

  #advance(entry: Entry, atMs: number): void {
    if (entry.state !== 'pending' || atMs - entry.activeAtMs < this.rule.forMs) return
    entry.state = 'firing'
    entry.firedAtMs = atMs
  }

  #missing(key: string, entry: Entry, atMs: number, sampleMs: number): void {
    if (entry.state === 'inactive') {
      if (atMs - (entry.resolvedAtMs ?? atMs) > RESOLVED_RETENTION_MS) this.#entries.delete(key)
      return
    }
    if (!this.#isSeen(entry, sampleMs)) {
      entry.heldSinceMs ??= atMs
      // Time in which nothing can be seen does not count against `keep_firing_for`.
      entry.missingSinceMs = undefined
      return
    }
    entry.heldSinceMs = undefined
    if (entry.state === 'pending') {
      this.#entries.delete(key)
      return
    }
    entry.missingSinceMs ??= atMs
    if (this.rule.keepFiringForMs > 0 && atMs - entry.missingSinceMs < this.rule.keepFiringForMs) return
    entry.state = 'inactive'
    entry.resolvedAtMs = atMs
  }

  /** Whether what was seen at `sampleMs` suffices to say that the alert is over: for a pending one the present, for a firing one all that it looks back to. */
  #isSeen({ labels, state }: Entry, sampleMs: number): boolean {
    const sinceMs = this.#context.seenSince(this.rule, labels)
    if (sinceMs === null) return false
    return sinceMs <= sampleMs - (state === 'firing' ? this.#context.reachMs(this.rule.expr) : 0)
  }

  /** Results by identity: the sample's labels without its name, below them the group's, over them the rule's, and `alertname`. */
  async #identify(
    vector: readonly VectorSample[],
    atMs: number,
  ): Promise<Map<string, { labels: Labels; annotations: Record<string, string>; value: number }>> {
    const { group, externalLabels, externalURL, query } = this.#context
    const results = new Map<string, { labels: Labels; annotations: Record<string, string>; value: number }>()
    for (const { labels, value } of vector) {
      const expand = (text: string): Promise<string> =>
        expandTemplate(`__alert_${this.rule.alert}`, text, {
          labels,
          value,
          atMs,
          externalLabels,
          externalURL,
          query,
        })
      const own: [string, string][] = []
      for (const [name, text] of Object.entries({ ...group.labels, ...this.rule.labels }))
        own.push([name, await expand(text)])
      const identity = Labels.fromEntries([...labels.withoutMetric(), ...own, ['alertname', this.rule.alert]])
      if (results.has(identity.key))
        throw new Error('vector contains metrics with the same labelset after applying alert labels')
      const annotations: Record<string, string> = {}
      for (const [name, text] of Object.entries(this.rule.annotations)) annotations[name] = await expand(text)
      results.set(identity.key, { labels: identity, annotations, value })
    }
    return results
  }

  /** ALERTS = 1 and ALERTS_FOR_STATE = beginning in Unix seconds, of every active alert. */
  samples(): readonly Sample[] {
    return [...this.#entries.values()]
      .filter(({ state }) => state !== 'inactive')
      .flatMap(({ labels, state, activeAtMs }) => [
        { labels: Labels.fromEntries([...labels, ['__name__', 'ALERTS'], ['alertstate', state]]), value: 1 },
        { labels: labels.with('__name__', 'ALERTS_FOR_STATE'), value: Math.floor(activeAtMs / SECOND) },
      ])
  }

  /** All alerts still known, resolved ones included. */
  all(): readonly ActiveAlert[] {
    return [...this.#entries.values()].map(({ missingSinceMs: _missing, ...entry }) => ({
      ...entry,
      rule: this.rule,
      group: this.#context.group.name,
    }))
  }

  /** Pending and firing alerts. */
  active(): readonly ActiveAlert[] {
    return this.all().filter(({ state }) => state !== 'inactive')
  }
}
