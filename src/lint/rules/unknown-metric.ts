import { nearest } from '../../base/index.ts'
import type { LintRule } from '../contract.ts'
import {
  CADVISOR,
  CELERIAC,
  CELERY_EXPORTER,
  type KnownMetric,
  MetricTable,
  REDIS_EXPORTER,
  REDIS_MEANT,
} from '../knowledge/index.ts'
import type { Project } from '../project.ts'
import { nodes } from '../promql/expression.ts'

const CLOSED: readonly {
  readonly prefix: string
  readonly metrics: readonly KnownMetric[]
  readonly owner: string
}[] = [
  { prefix: 'redis_', metrics: REDIS_EXPORTER, owner: 'redis_exporter' },
  { prefix: 'celery_', metrics: CELERY_EXPORTER, owner: 'celery-exporter' },
  { prefix: 'container_', metrics: CADVISOR, owner: 'cAdvisor' },
]
/** What options and modules of redis_exporter add. */
const OPEN =
  /^redis_(?:search|tile38|bf|json|sentinel|cluster|connected_client|config|key|stream|module|exporter|commandlog|latency|script|lua|db)_/
const OURS = new MetricTable(CELERIAC)
const OTHERS = new MetricTable([...REDIS_EXPORTER, ...CELERY_EXPORTER, ...CADVISOR])

export const unknownMetric: LintRule = {
  name: 'unknown-metric',
  severity: 'error',
  title: 'A metric that no known exporter exposes',
  why: 'A name that nobody exposes is no error to Prometheus: the expression is empty for ever and the alert can never fire. Names are compared with those of redis_exporter, celery-exporter, cAdvisor and Celeriac, and with the metrics that the given files declare.',
  bad: [
    {
      path: 'redis.rules.yml',
      text: `groups:
  - name: redis
    rules:
      - alert: RedisConnections
        expr: redis_connected_clients > redis_maxclients * 0.9
`,
    },
  ],
  good: [
    {
      path: 'redis.rules.yml',
      text: `groups:
  - name: redis
    rules:
      - alert: RedisConnections
        expr: redis_connected_clients > redis_config_maxclients * 0.9
`,
    },
  ],
  check(project, report) {
    for (const { expression, within } of project.uses) {
      for (const selector of nodes(expression, 'selector')) {
        const { name } = selector
        if (name === undefined || isKnown(name, project)) continue
        const meant = suggestion(name, project)
        if (meant === undefined) continue
        const at = expression.place(selector.span)
        const ours = OURS.get(name) === undefined ? '' : '; only Celeriac has a metric of that name'
        report({
          at: { ...at, end: at.start + name.length },
          within,
          message: `nobody known exposes ${name}; ${meant.owner} has ${meant.name}${ours}`,
          fix: meant.name,
          ...(meant.sure && at.source.text.startsWith(name, at.start)
            ? { edits: [{ start: at.start, end: at.start + name.length, text: meant.name }] }
            : {}),
        })
      }
    }
  },
}

function isKnown(name: string, project: Project): boolean {
  if (project.recorded.has(name) || name.includes(':')) return true
  if (OTHERS.get(name) !== undefined) return true
  const metric = project.metrics.get(name)
  // The guide's name for Redis' limit is Celeriac's too: whose rule it is decides.
  return (
    metric !== undefined &&
    (metric.origin !== 'Celeriac' || project.hasCeleriac || !name.startsWith('redis_'))
  )
}

interface Meant {
  readonly name: string
  readonly owner: string
  readonly sure: boolean
}

/** What was probably meant; undefined when the name is near to nothing known, and so may be somebody else's. */
function suggestion(name: string, project: Project): Meant | undefined {
  const meant = REDIS_MEANT[name]
  if (meant !== undefined) return { name: meant, owner: 'redis_exporter', sure: true }
  const family = CLOSED.find(({ prefix }) => name.startsWith(prefix))
  if (family === undefined || OPEN.test(name)) return undefined
  const declared = project.declared
    .filter(metric => metric.name.startsWith(family.prefix))
    .map(metric => metric.name)
  const ours = CELERIAC.map(metric => metric.name).filter(each => each.startsWith(family.prefix))
  const candidates: readonly (readonly [names: readonly string[], owner: string])[] =
    family.prefix === 'celery_'
      ? [
          [declared, 'your exporter'],
          ...(declared.length > 0
            ? []
            : [
                [ours, 'Celeriac'] as const,
                [family.metrics.map(metric => metric.name), family.owner] as const,
              ]),
        ]
      : [[family.metrics.map(metric => metric.name), family.owner]]
  for (const [names, owner] of candidates) {
    const near = nearest(name, names)
    // `nearest` forgives a third of the word, which is much for long names that begin alike.
    if (near !== undefined && closeEnough(name, near, family.prefix))
      return { name: near, owner, sure: false }
  }
  return undefined
}

/** All words but one are the same, or the names differ in their ending only. */
function closeEnough(name: string, near: string, prefix: string): boolean {
  const words = (text: string): readonly string[] => text.slice(prefix.length).split('_')
  const [a, b] = [words(name), words(near)]
  const shared = a.filter(word => b.includes(word)).length
  return (
    nearest(name, [near]) !== undefined &&
    (shared >= Math.max(a.length, b.length) - 1 || name.replaceAll('_', '') === near.replaceAll('_', ''))
  )
}
