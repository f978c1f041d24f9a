/**
 * What promtool does not judge (guide-flaw 26): whether an expression of the catalog means something. Reads the tree that our own
 * parser makes, and knows each metric's kind and labels.
 */
import {
  type Alert,
  alertExpr,
  alerts,
  alertSeries,
  configureAlerts,
  type Metric,
  metrics,
  panels,
  recorded,
  stepsBefore,
} from '../../src/catalog/index.ts'
import { type Binary, type Expr, parse, typeOf, walk } from '../../src/promql/index.ts'

/** Every declared and recorded series name with what it is; a histogram has three. */
export const SERIES: ReadonlyMap<
  string,
  { readonly metric: Metric; readonly labels: readonly string[]; readonly counts: boolean }
> = new Map(
  [...Object.values<Metric>(metrics), ...Object.values<Metric>(recorded), alertSeries].flatMap(metric =>
    metric.kind === 'histogram'
      ? [
          [`${metric.name}_bucket`, { metric, labels: [...metric.labels, 'le'], counts: true }] as const,
          [`${metric.name}_sum`, { metric, labels: metric.labels, counts: true }] as const,
          [`${metric.name}_count`, { metric, labels: metric.labels, counts: true }] as const,
        ]
      : [[metric.name, { metric, labels: metric.labels, counts: metric.kind === 'counter' }] as const],
  ),
)

/** Every expression of the catalog, with where it stands. */
export const EXPRESSIONS: readonly (readonly [where: string, text: string])[] = [
  ...Object.values(recorded).map(({ name, expr }) => [`recorded ${name}`, expr.text] as const),
  ...configureAlerts().map(
    configured => [`alert ${configured.alert.name}`, alertExpr(configured).text] as const,
  ),
  ...configureAlerts(
    Object.fromEntries(
      alerts.flatMap(({ name, scopes, threshold: { value, unit } }) => {
        const more = unit === 'ratio' ? 0.1 : 1
        const own = {
          'a"b|c': value + more,
          reports: { threshold: value + 2 * more, for: '1m' },
          off: null,
        }
        return scopes.length === 0
          ? []
          : [[name, Object.fromEntries(scopes.map(scope => [`${scope}s`, own]))] as const]
      }),
    ),
  ).map(
    configured =>
      [`alert ${configured.alert.name} with limits of queues and tasks`, alertExpr(configured).text] as const,
  ),
  ...Object.values(panels).flatMap(({ id, queries }) =>
    queries.map(({ expr }, i) => [`panel ${id} query ${i + 1}`, expr.text] as const),
  ),
  ...(alerts as readonly Alert[]).flatMap(alert => {
    const { name, runbook, cloudwatch } = alert
    return [
      ...[...runbook.check, ...runbook.act, ...stepsBefore(alert)].flatMap(({ text, query }) =>
        query === undefined ? [] : [[`runbook of ${name}: ${text}`, query.text] as const],
      ),
      ...(cloudwatch === null ? [] : [[`CloudWatch form of ${name}`, cloudwatch.publishes.text] as const]),
    ]
  }),
]

const isVector = (expr: Expr): boolean => typeOf(expr) === 'vector'

const bare = (expr: Expr): Expr => (expr.type === 'paren' ? bare(expr.expr) : expr)

/** Everything wrong with an expression; empty when it is sound. */
export function faultsOf(text: string): readonly string[] {
  const faults: string[] = []
  const tree = parse(text)
  walk(tree, node => {
    if (node.type === 'call' && ['rate', 'increase', 'irate'].includes(node.name))
      needCounter(node.args[0], true)
    if (node.type === 'call' && ['deriv', 'delta', 'predict_linear'].includes(node.name))
      needCounter(node.args[0], false)
    if (node.type === 'binary' && isVector(node.left) && isVector(node.right)) checkJoin(node)
    if (node.type === 'binary' && node.op === '/' && isVector(node.right) && !isGuarded(node.right))
      faults.push('the divisor may be 0')
    if (node.type === 'call' && node.name === 'histogram_quantile') {
      const buckets = node.args[1] && bare(node.args[1])
      if (buckets?.type !== 'aggregate' || buckets.op !== 'sum' || !buckets.grouping?.labels.includes('le'))
        faults.push('a quantile needs its buckets summed by le')
    }
  })
  labelsOf(tree, faults)
  return faults

  function needCounter(arg: Expr | undefined, counter: boolean): void {
    const selector = arg?.type === 'range' ? arg.selector : undefined
    const series = SERIES.get(selector?.name ?? '')
    if (series !== undefined && series.counts !== counter)
      faults.push(`${selector?.name ?? ''} is ${counter ? 'not a counter' : 'a counter'}`)
  }

  function checkJoin(node: Binary): void {
    // `or` keeps whole series: it joins by all labels, unless it says otherwise.
    if (node.matching === undefined && node.op !== 'or') faults.push(`${node.op} states no on or ignoring`)
  }
}

const isGuarded = (divisor: Expr): boolean => {
  const inner = bare(divisor)
  if (inner.type === 'call' && inner.name === 'clamp_min') {
    const floor = inner.args[1]
    return floor?.type === 'number' && floor.value > 0
  }
  return (
    inner.type === 'binary' && inner.op === '>' && inner.right.type === 'number' && inner.right.value >= 0
  )
}

/** The labels that each result series has; one set for every branch of an `or`. */
export const resultLabels = (text: string): readonly (readonly string[])[] => {
  const branches = (expr: Expr): readonly Expr[] => {
    const inner = bare(expr)
    return inner.type === 'binary' && inner.op === 'or'
      ? [...branches(inner.left), ...branches(inner.right)]
      : [inner]
  }
  return branches(parse(text)).map(branch => [...labelsOf(branch, [])].sort())
}

function labelsOf(expr: Expr, faults: string[]): ReadonlySet<string> {
  switch (expr.type) {
    case 'number':
    case 'string':
      return new Set()
    case 'selector': {
      const series = SERIES.get(expr.name ?? '')
      if (series === undefined) faults.push(`${expr.name ?? 'a nameless selector'} is not declared`)
      for (const { name } of expr.matchers)
        if (name !== '__name__' && !series?.labels.includes(name))
          faults.push(`${expr.name ?? ''} has no label ${name}`)
      return new Set(series?.labels)
    }
    case 'range':
      return labelsOf(expr.selector, faults)
    case 'subquery':
    case 'unary':
    case 'paren':
      return labelsOf(expr.expr, faults)
    case 'call': {
      const sets = expr.args.map(arg => labelsOf(arg, faults))
      // The buckets of a histogram become one number: their bound is gone.
      if (expr.name === 'histogram_quantile')
        return new Set([...(sets[1] ?? [])].filter(label => label !== 'le'))
      return sets[0] ?? new Set()
    }
    case 'aggregate': {
      const inside = labelsOf(expr.expr, faults)
      const by = expr.grouping?.labels
      if (by === undefined) return ['topk', 'bottomk'].includes(expr.op) ? inside : new Set()
      for (const label of by) if (!inside.has(label)) faults.push(`nothing inside has the label ${label}`)
      return new Set(by)
    }
    case 'binary': {
      const left = labelsOf(expr.left, faults)
      const right = labelsOf(expr.right, faults)
      if (!isVector(expr.left)) return right
      if (!isVector(expr.right) || ['and', 'or', 'unless'].includes(expr.op)) {
        if (isVector(expr.right)) matched(expr, left, right, faults)
        return left
      }
      matched(expr, left, right, faults)
      return expr.matching?.group === 'left' ? left : new Set(expr.matching?.on ? expr.matching.labels : left)
    }
  }
}

function matched(
  expr: Binary,
  left: ReadonlySet<string>,
  right: ReadonlySet<string>,
  faults: string[],
): void {
  for (const label of expr.matching?.labels ?? [])
    if (!left.has(label) || !right.has(label)) faults.push(`one side of ${expr.op} has no label ${label}`)
}
