import { CeleriacError, type Labels } from '../base/index.ts'
import { collectedMetrics, metrics, recorded, type Source } from '../catalog/index.ts'
import type { Fleet, SourceName } from '../fleet/index.ts'
import type { Host } from '../host/index.ts'
import { parse, selectors } from '../promql/index.ts'
import type { AlertingRule, BlindPort } from '../rules/index.ts'

const DECLARED = new Map(
  [...Object.values(metrics), ...Object.values(recorded)].map(metric => [metric.name as string, metric]),
)

/** The sources beneath an expression's metrics, through recorded series; none for metrics that are not ours. */
function sourcesOf(expr: string): ReadonlySet<Source> {
  try {
    const used = selectors(parse(expr)).flatMap(({ metric }) => {
      const declared = metric === undefined ? undefined : DECLARED.get(histogramOf(metric))
      return declared === undefined ? [] : [declared]
    })
    return new Set(collectedMetrics(used).flatMap(metric => metric.sources))
  } catch (error) {
    // A rule that does not parse fails by itself, and its error is shown there.
    if (error instanceof CeleriacError) return new Set()
    throw error
  }
}

const histogramOf = (name: string): string =>
  DECLARED.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '')

/**
 * Says whether what an alert watches cannot be seen now: a source of its metrics is stale or lost on its broker (on any broker
 * when its labels name none), or the series was told by a scrape target that is lost.
 */
export function createBlindness(
  fleets: readonly Fleet[],
  isLost: Host['isLost'],
  nowMs: () => number,
): BlindPort {
  const cache = new Map<string, ReadonlySet<Source>>()
  return (rule: AlertingRule, labels: Labels) => {
    let sources = cache.get(rule.expr)
    if (sources === undefined) {
      sources = sourcesOf(rule.expr)
      cache.set(rule.expr, sources)
    }
    const broker = labels.get('broker')
    if (
      sources.has('host') &&
      isLost({ broker, container: labels.get('container'), worker: labels.get('worker') })
    )
      return true
    return fleets
      .filter(fleet => broker === '' || fleet.broker === broker)
      .some(fleet => {
        const lost = fleet.sources(nowMs()).filter(({ state }) => state === 'blind' || state === 'stale')
        return lost.some(({ source }: { source: SourceName }) => sources.has(source))
      })
  }
}
