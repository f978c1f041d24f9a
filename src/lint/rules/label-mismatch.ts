import type { Matching } from '../../promql/index.ts'
import type { LintRule } from '../contract.ts'
import { nodes } from '../promql/expression.ts'
import { isScalar, type Shape, shapeOf } from '../promql/shape.ts'
import { shown } from '../promql/inside.ts'

export const labelMismatch: LintRule = {
  name: 'label-mismatch',
  severity: 'error',
  title: 'Two sides of an operator whose labels can never be equal',
  why: 'Without `on` or `ignoring` an operator joins series whose labels are all equal. When one side has a label that the other lacks, nothing is ever joined: the result is empty, the recorded series never exists, the alert never fires, and nothing says so.',
  bad: [
    {
      path: 'load.rules.yml',
      text: `groups:
  - name: celery
    rules:
      - record: queue:celery_tasks_per_worker:ratio
        expr: sum by (queue) (celery_queue_length) / count(celery_worker_up == 1)
`,
    },
  ],
  good: [
    {
      path: 'load.rules.yml',
      text: `groups:
  - name: celery
    rules:
      - record: queue:celery_tasks_per_worker:ratio
        expr: sum by (queue) (celery_queue_length) / on () group_left () count(celery_worker_up == 1)
`,
    },
  ],
  sources: ['https://prometheus.io/docs/prometheus/latest/querying/operators/#vector-matching'],
  check(project, report) {
    for (const { expression, within } of project.uses) {
      for (const node of nodes(expression, 'binary')) {
        const { op, left, right, matching } = node
        if (op === 'or' || matching?.on === true || isScalar(left) || isScalar(right)) continue
        const [l, r] = [shapeOf(left, project), shapeOf(right, project)]
        if (l === undefined || r === undefined) continue
        const odd = difference(l, r, matching)
        if (odd === undefined) continue
        report({
          at: expression.place(node.span),
          within,
          message: `${shown(left)} ${op} ${shown(right)}: ${odd}, so the two sides never match`,
          fix: fixOf(op, l, r),
        })
      }
    }
  },
}

/** In words, why two label sets can never be equal; undefined when they can. */
function difference(left: Shape, right: Shape, matching: Matching | undefined): string | undefined {
  const ignored = new Set(matching?.labels)
  const only = (a: Shape, b: Shape): readonly string[] =>
    [...a.labels].filter(
      label => !b.labels.has(label) && !ignored.has(label) && !(b.scraped && isOfScrape(label)),
    )
  const [l, r] = [only(left, right), only(right, left)]
  if (left.scraped === right.scraped) {
    if (l.length > 0) return `only the left side has ${words(l)}`
    return r.length > 0 ? `only the right side has ${words(r)}` : undefined
  }
  const [plain, side] = left.scraped ? [right, 'left'] : [left, 'right']
  if (ignored.has('instance') || ignored.has('job')) return undefined
  if ([...plain.labels].some(isOfScrape)) return undefined
  return `only the ${side} side has the labels of its scrape (instance, job)`
}

const isOfScrape = (label: string): boolean =>
  ['instance', 'job', 'namespace', 'pod', 'service', 'endpoint', 'container', 'node', 'cluster'].includes(
    label,
  )

const words = (labels: readonly string[]): string => labels.map(label => `\`${label}\``).join(', ')

function fixOf(op: string, left: Shape, right: Shape): string {
  const on = `on (${[...left.labels].filter(label => right.labels.has(label)).join(', ')})`
  if (op === 'and' || op === 'unless') return `… ${op} ${on} …`
  const many =
    left.labels.size > right.labels.size
      ? ' group_left ()'
      : left.labels.size < right.labels.size
        ? ' group_right ()'
        : ''
  return `Say which labels are to match: … ${op} ${on}${many} …`
}
