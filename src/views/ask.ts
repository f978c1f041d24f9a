import { collectedMetrics, type Expr, type Panel } from '../catalog/index.ts'
import { errorText } from '../base/index.ts'
import type { SourceName, SourceView } from '../fleet/index.ts'
import type { VectorSample } from '../promql/index.ts'
import { ageOf, type OverviewInput } from './input.ts'

/** What a question to the store came to. */
export interface Answer {
  /** NaN and samples of brokers that cannot be seen are left out. */
  readonly samples: readonly VectorSample[]
  /** A source behind a sample that was kept is stale. */
  readonly stale: boolean
  /** Why samples may be missing, for people. */
  readonly missing: string | null
}

/**
 * Asks the store for what may be told. A counter stands still while its source is lost, so its rate falls to 0 although nobody
 * knows; such samples are dropped here, since unknown is not 0. A metric with several sources is left out of it: who collects it
 * already knows when it is unknown.
 */
export interface Ask {
  panel(panel: Panel): Promise<Answer>
  /** The same without dropping anything: for what happened, which stays true while a source is lost. */
  history(panel: Panel): Promise<Answer>
  /** Free text, with the sources that it rests on. */
  text(expr: string, sources: readonly SourceName[]): Promise<Answer>
}

const NOTHING_TOLD: Answer = { samples: [], stale: false, missing: 'nothing was collected lately' }

const isSourceName = (name: string): name is SourceName =>
  name === 'events' || name === 'inspect' || name === 'broker'

/** The sources without which an expression means nothing: those of metrics that have no other. */
const sourcesOf = (expr: Expr): readonly SourceName[] => [
  ...new Set(
    collectedMetrics(expr.metrics)
      .filter(metric => metric.sources.length === 1)
      .flatMap(metric => metric.sources.filter(isSourceName)),
  ),
]

export function createAsk(input: OverviewInput): Ask {
  const gone = ageOf(input) === 'gone'
  const sources = new Map<string, readonly SourceView[]>(
    input.fleets.map(fleet => [fleet.broker, fleet.sources(input.nowMs)]),
  )

  async function text(expr: string, needed: readonly SourceName[]): Promise<Answer> {
    if (gone) return NOTHING_TOLD
    let found: readonly VectorSample[]
    try {
      found = await input.query(expr, input.nowMs)
    } catch (error) {
      return { samples: [], stale: false, missing: `cannot be computed: ${errorText(error)}` }
    }
    let stale = false
    let missing: string | null = null
    const samples = found.filter(({ labels, value }) => {
      if (Number.isNaN(value)) return false
      for (const source of sources.get(labels.get('broker')) ?? []) {
        if (!needed.includes(source.source) || source.state === 'ok') continue
        if (source.state === 'stale') stale = true
        else {
          missing = `${source.source}: ${source.detail ?? source.state}`
          return false
        }
      }
      return true
    })
    // Nothing at all: the source may know which setting would bring it.
    if (samples.length === 0 && missing === null)
      missing =
        [...sources.values()].flat().find(source => needed.includes(source.source) && source.detail !== null)
          ?.detail ?? null
    return { samples, stale, missing }
  }

  const all = async (
    panel: Panel,
    sourcesOfQuery: (expr: Expr) => readonly SourceName[],
  ): Promise<Answer> => {
    const answers = await Promise.all(panel.queries.map(({ expr }) => text(expr.text, sourcesOfQuery(expr))))
    return {
      samples: answers.flatMap(answer => answer.samples),
      stale: answers.some(answer => answer.stale),
      missing: answers.find(answer => answer.missing !== null)?.missing ?? null,
    }
  }

  return { text, panel: panel => all(panel, sourcesOf), history: panel => all(panel, () => []) }
}
