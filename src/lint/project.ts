import { labelsUsed, selectors } from '../promql/index.ts'
import type { AlertmanagerView } from './artefacts/alertmanager.ts'
import type { AlarmView, PublishedMetric, TopicView, WidgetMetric } from './artefacts/cloudwatch.ts'
import type { FilebeatView } from './artefacts/filebeat.ts'
import type { DashboardView } from './artefacts/grafana.ts'
import type { KubernetesObject } from './artefacts/kubernetes.ts'
import type { DeclaredMetric } from './artefacts/python.ts'
import type { RuleView } from './artefacts/rules.ts'
import {
  CADVISOR,
  CELERIAC,
  CELERY_EXPORTER,
  known,
  type KnownMetric,
  MetricTable,
  REDIS_EXPORTER,
} from './knowledge/index.ts'
import type { Ignore } from './ignores.ts'
import type { Expression } from './promql/expression.ts'
import type { ShellCommand } from './text/shell.ts'
import type { Place } from './text/source.ts'
import type { Tree } from './text/tree.ts'

/** What was found in the files given together. */
export interface Findings {
  readonly rules: readonly RuleView[]
  readonly objects: readonly KubernetesObject[]
  readonly alertmanagers: readonly AlertmanagerView[]
  readonly dashboards: readonly DashboardView[]
  readonly alarms: readonly AlarmView[]
  readonly widgets: readonly WidgetMetric[]
  readonly published: readonly PublishedMetric[]
  readonly topics: readonly TopicView[]
  readonly filebeats: readonly FilebeatView[]
  readonly scrapeConfigs: readonly Tree[]
  readonly declared: readonly DeclaredMetric[]
  readonly commands: readonly ShellCommand[]
  readonly ignores: readonly Ignore[]
  readonly unreadable: readonly { readonly at: Place; readonly message: string }[]
}

/** A query or a rule's expression, and what it belongs to. */
export interface Use {
  readonly expression: Expression
  readonly rule: RuleView | undefined
  readonly legend: Tree | undefined
  /** The whole thing: a rule, a panel. */
  readonly within: Place
}

/** The files given together, and what is known of the metrics in them. Rules only read it. */
export interface Project extends Findings {
  readonly uses: readonly Use[]
  readonly alerts: readonly RuleView[]
  /** Metrics that are known, those that the files declare before all others. */
  readonly metrics: MetricTable
  readonly recorded: ReadonlyMap<string, RuleView>
  /** Whether the files declare `celery_` metrics of an exporter of their own. */
  readonly declaresCelery: boolean
  /** Whether the files speak of a Celeriac that is scraped. */
  readonly hasCeleriac: boolean
}

/** Joins what was found. */
export function createProject(found: Findings): Project {
  const recorded = new Map(
    found.rules.flatMap(rule => (rule.kind === 'record' ? [[rule.name, rule] as const] : [])),
  )
  const declared = found.declared.map(ofDeclared)
  const declaresCelery = declared.some(({ name }) => name.startsWith('celery_'))
  const uses: readonly Use[] = [
    ...found.rules.map(rule => ({
      expression: rule.expression,
      rule,
      legend: undefined,
      within: rule.place,
    })),
    ...found.dashboards.flatMap(({ panels }) =>
      panels.flatMap(({ targets, tree }) =>
        targets.flatMap(({ expression, legend }) =>
          expression === undefined ? [] : [{ expression, rule: undefined, legend, within: tree.place }],
        ),
      ),
    ),
  ]
  return {
    ...found,
    uses,
    alerts: found.rules.filter(({ kind }) => kind === 'alert'),
    metrics: new MetricTable([...declared, ...CELERIAC, ...CELERY_EXPORTER, ...REDIS_EXPORTER, ...CADVISOR]),
    recorded,
    declaresCelery,
    hasCeleriac: !declaresCelery && uses.some(({ expression }) => speaksCeleriac(expression)),
  }
}

const COUNT =
  /(?:workers?|consumers?|replicas?|instances?|nodes?)(?:_count|_total)?$|_(?:worker|consumer)_count$/

const ofDeclared = ({ name, kind, labels, buckets }: DeclaredMetric): KnownMetric =>
  known(name, kind, 'your exporter', {
    labels,
    buckets,
    zero: kind === 'gauge' && COUNT.test(name) ? 'count' : undefined,
    appearsLate: kind === 'counter' && labels.length > 0,
  })

const CELERIAC_NAMES: ReadonlySet<string> = new Set(CELERIAC.map(({ name }) => name))

/** Only Celeriac has its names together with a label `broker`, or names that begin with its own. */
function speaksCeleriac({ tree }: Expression): boolean {
  if (tree === undefined) return false
  const names = selectors(tree).flatMap(({ metric }) => metric ?? [])
  if (names.some(name => name.startsWith('celeriac_'))) return true
  return labelsUsed(tree).has('broker') && names.some(name => CELERIAC_NAMES.has(name))
}
