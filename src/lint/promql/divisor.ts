import { type Expr, unwrap, type VectorSelector } from '../../promql/index.ts'
import type { KnownMetric } from '../knowledge/index.ts'
import type { Project, Use } from '../project.ts'
import { nodes } from './expression.ts'
import { isGuarded, numberIn } from './inside.ts'

/** A division by a metric that may be 0, which nothing keeps from being so. */
export interface OpenDivisor {
  readonly use: Use
  readonly division: Extract<Expr, { type: 'binary' }>
  readonly metric: KnownMetric
}

/** Every division of an expression by something that is 0 whenever a metric of the wanted kind is. */
export function openDivisors(project: Project, zero: KnownMetric['zero']): readonly OpenDivisor[] {
  return project.uses.flatMap(use =>
    nodes(use.expression, 'binary').flatMap(division => {
      if (division.op !== '/' || use.expression.tree === undefined) return []
      const name = zeroFrom(division.right)?.name
      const metric = name === undefined ? undefined : project.metrics.get(name)
      if (
        name === undefined ||
        metric === undefined ||
        metric.zero !== zero ||
        isGuarded(use.expression.tree, name)
      )
        return []
      return [{ use, division, metric: { ...metric, name } }]
    }),
  )
}

const KEEP_ZERO: ReadonlySet<string> = new Set(['sum', 'min', 'max', 'avg', 'topk', 'bottomk', 'quantile'])
const PASS: ReadonlySet<string> = new Set([
  'avg_over_time',
  'max_over_time',
  'min_over_time',
  'last_over_time',
  'label_replace',
  'label_join',
  'abs',
  'round',
  'ceil',
  'floor',
])

/** The selector whose 0 makes the whole 0. */
function zeroFrom(expr: Expr): VectorSelector | undefined {
  const inner = unwrap(expr)
  switch (inner.type) {
    case 'selector':
      return inner
    case 'range':
      return inner.selector
    case 'aggregate':
      return KEEP_ZERO.has(inner.op) ? zeroFrom(inner.expr) : undefined
    case 'call':
      return PASS.has(inner.name) && inner.args[0] !== undefined ? zeroFrom(inner.args[0]) : undefined
    case 'binary':
      if (inner.op !== '*' && inner.op !== '/') return undefined
      if (numberIn(inner.right) !== undefined) return zeroFrom(inner.left)
      return inner.op === '*' && numberIn(inner.left) !== undefined ? zeroFrom(inner.right) : undefined
    case 'number':
    case 'string':
    case 'unary':
    case 'paren':
    case 'subquery':
      return undefined
  }
}

/** The divisor with a filter that lets nothing but positive values through, as a change of the text. */
export function guardEdits({ use: { expression }, division }: OpenDivisor): {
  readonly fix: string
  readonly edits: readonly { readonly start: number; readonly end: number; readonly text: string }[]
} {
  const { start, end, source } = expression.place(division.right.span)
  const divisor = source.text.slice(start, end)
  return {
    fix: `… / (${divisor} > 0)`,
    edits: [
      { start, end: start, text: '(' },
      { start: end, end, text: ' > 0)' },
    ],
  }
}
