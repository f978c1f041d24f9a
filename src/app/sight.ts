import { CeleriacError } from '../base/index.ts'
import { collectedMetrics, metrics, recorded, type Source } from '../catalog/index.ts'
import type { Fleet, SourceName } from '../fleet/index.ts'
import type { Host } from '../host/index.ts'
import { parse, selectors } from '../promql/index.ts'
import type { RuleGroup, SightPort } from '../rules/index.ts'

const DECLARED = new Map(
  [...Object.values(metrics), ...Object.values(recorded)].map(metric => [metric.name as string, metric]),
)

const histogramOf = (name: string): string =>
  DECLARED.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '')

/**
 * Makes what tells the sources beneath an expression's metrics, through series that the catalog or these groups record; none for
 * metrics that are not ours.
 */
function createSources(groups: readonly RuleGroup[]): (expr: string) => ReadonlySet<Source> {
  const recordings = new Map<string, string[]>()
  for (const { rules } of groups)
    for (const rule of rules)
      if (rule.kind === 'record')
        recordings.set(rule.record, [...(recordings.get(rule.record) ?? []), rule.expr])
  const cache = new Map<string, ReadonlySet<Source>>()

  const find = (expr: string, found: Set<Source>, visited: Set<string>): void => {
    let used: ReturnType<typeof selectors>
    try {
      used = selectors(parse(expr))
    } catch (error) {
      // A rule that does not parse fails by itself, and its error is shown there.
      if (error instanceof CeleriacError) return
      throw error
    }
    for (const { metric } of used) {
      if (metric === undefined || visited.has(metric)) continue
      visited.add(metric)
      const declared = DECLARED.get(histogramOf(metric))
      if (declared !== undefined)
        for (const { sources } of collectedMetrics([declared]))
          for (const source of sources) found.add(source)
      for (const inner of recordings.get(metric) ?? []) find(inner, found, visited)
    }
  }

  return expr => {
    const before = cache.get(expr)
    if (before !== undefined) return before
    const found = new Set<Source>()
    find(expr, found, new Set())
    cache.set(expr, found)
    return found
  }
}

/** Remembers since when each source has been seen without a break, as rules see it: by what is stored. */
export interface Sight {
  /**
   * Since when all sources of an alert's metrics were seen on its broker (on every broker when its labels name none); null while
   * one is not, or while the scrape target that told the series is lost. A source that never gave anything is left out: no alert
   * can rest on it.
   */
  readonly seenSince: SightPort
  /** Takes how sources stand at a collection; what it returns is to be called once what was collected then is stored. */
  look(): (storedAtMs: number) => void
  /** A source is lost, or was for a moment; all of the broker's when none is named. It counts as seen from the next collection on. */
  lost(broker: string, source?: SourceName): void
}

interface Standing {
  sinceMs: number | null
  /** How often it was lost: what was looked at before the last loss is outdated. */
  losses: number
}

export function createSight(options: {
  readonly fleets: readonly Fleet[]
  readonly groups: readonly RuleGroup[]
  readonly isHostLost: Host['isLost']
  readonly nowMs: () => number
}): Sight {
  const { fleets, isHostLost, nowMs } = options
  const sourcesOf = createSources(options.groups)
  /** By broker and source, once it has given something. */
  const standings = new Map<string, Map<Source, Standing>>(
    fleets.map(({ broker }) => [broker, new Map<Source, Standing>()]),
  )
  const lose = (standing: Standing): void => {
    standing.sinceMs = null
    standing.losses++
  }

  return {
    seenSince(rule, labels) {
      const sources = sourcesOf(rule.expr)
      const broker = labels.get('broker')
      if (
        sources.has('host') &&
        isHostLost({ broker, container: labels.get('container'), worker: labels.get('worker') })
      )
        return null
      let sinceMs = Number.NEGATIVE_INFINITY
      for (const [name, bySource] of standings) {
        if (broker !== '' && broker !== name) continue
        for (const [source, standing] of bySource) {
          if (!sources.has(source)) continue
          if (standing.sinceMs === null) return null
          sinceMs = Math.max(sinceMs, standing.sinceMs)
        }
      }
      return sinceMs
    },

    look() {
      const seen: { readonly standing: Standing; readonly losses: number }[] = []
      for (const fleet of fleets) {
        const bySource = standings.get(fleet.broker)
        for (const { source, state, lastSuccessMs } of fleet.sources(nowMs())) {
          let standing = bySource?.get(source)
          if (standing === undefined) {
            if (lastSuccessMs === null) continue
            standing = { sinceMs: null, losses: 0 }
            bySource?.set(source, standing)
          }
          if (state === 'ok') seen.push({ standing, losses: standing.losses })
          else lose(standing)
        }
      }
      return storedAtMs => {
        for (const { standing, losses } of seen)
          if (standing.losses === losses) standing.sinceMs ??= storedAtMs
      }
    },

    lost(broker, source) {
      for (const [name, standing] of standings.get(broker) ?? [])
        if (source === undefined || source === name) lose(standing)
    },
  }
}
