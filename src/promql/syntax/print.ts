import { formatDuration, isLabelName, METRIC_NAME } from '../../base/index.ts'
import type { LabelMatcher } from '../contract.ts'
import type { Aggregate, At, Binary, Expr, VectorSelector } from './ast.ts'
import { formatValue, quote } from './literals.ts'

const BARE_METRIC = /^[A-Za-z_:][A-Za-z0-9_:]*$/
/** Words that do not stand for a metric of that name at the start of an expression. */
const NOT_BARE: ReadonlySet<string> = new Set([
  'inf',
  'nan',
  'bool',
  'on',
  'ignoring',
  'group_left',
  'group_right',
])
/** Words that stand between operands: as a metric they need braces. */
const OPERATOR_WORDS: ReadonlySet<string> = new Set(['and', 'or', 'unless', 'atan2'])

/** Writes a tree on one line; `parse` of the result is an equal tree (positions aside). Parentheses are those of the tree. */
export function print(expr: Expr): string {
  switch (expr.type) {
    case 'number':
      // A sign would make `Inf ^ 2` a signed power.
      if (expr.value === Infinity) return 'Inf'
      return expr.duration ? printSeconds(expr.value) : formatValue(expr.value)
    case 'string':
      return quote(expr.value)
    case 'selector':
      return `${printSelector(expr)}${printModifiers(expr)}`
    case 'range':
      return `${printSelector(expr.selector)}[${formatDuration(expr.rangeMs)}]${printModifiers(expr.selector)}`
    case 'subquery': {
      const step = expr.stepMs === undefined ? '' : formatDuration(expr.stepMs)
      return `${print(expr.expr)}[${formatDuration(expr.rangeMs)}:${step}]${printModifiers(expr)}`
    }
    case 'call':
      return `${expr.name}(${expr.args.map(print).join(', ')})`
    case 'aggregate':
      return printAggregate(expr)
    case 'binary':
      return `${print(expr.left)} ${expr.op}${expr.bool ? ' bool' : ''}${printMatching(expr)} ${print(expr.right)}`
    case 'unary':
      return `${expr.op}${print(expr.expr)}`
    case 'paren':
      return `(${print(expr.expr)})`
  }
}

const printSeconds = (seconds: number): string => printSigned(Math.round(seconds * 1000))

const printSigned = (ms: number): string => (ms < 0 ? `-${formatDuration(-ms)}` : formatDuration(ms))

function printAggregate({ op, expr, param, grouping }: Aggregate): string {
  const by =
    grouping === undefined ? '' : ` ${grouping.without ? 'without' : 'by'} (${printLabels(grouping.labels)}) `
  return `${op}${by}(${param === undefined ? '' : `${print(param)}, `}${print(expr)})`
}

function printMatching({ matching }: Binary): string {
  if (matching === undefined) return ''
  const group = matching.group === 'none' ? '' : ` group_${matching.group} (${printLabels(matching.include)})`
  return ` ${matching.on ? 'on' : 'ignoring'} (${printLabels(matching.labels)})${group}`
}

const printLabel = (name: string): string => (isLabelName(name) ? name : quote(name))
const printLabels = (names: readonly string[]): string => names.map(printLabel).join(', ')

function printSelector({ name, matchers }: VectorSelector): string {
  const pairs = matchers.map(
    ({ name: label, op, value }: LabelMatcher) => `${printLabel(label)}${op}${quote(value)}`,
  )
  const own = matchers.filter(matcher => matcher.name === METRIC_NAME)
  const word = name?.toLowerCase() ?? ''
  if (name === undefined || own.length !== 1 || OPERATOR_WORDS.has(word)) return `{${pairs.join(', ')}}`
  // The matcher on the name is the last one when the name was written in front.
  const others = matchers.flatMap((matcher, i) => (matcher === own[0] ? [] : (pairs[i] ?? [])))
  if (!BARE_METRIC.test(name) || NOT_BARE.has(word)) return `{${[quote(name), ...others].join(', ')}}`
  return others.length === 0 ? name : `${name}{${others.join(', ')}}`
}

function printModifiers({
  at,
  offsetMs,
}: {
  readonly at: At | undefined
  readonly offsetMs: number
}): string {
  const time = at === undefined ? '' : ` @ ${at.kind === 'time' ? (at.ms / 1000).toFixed(3) : `${at.kind}()`}`
  return offsetMs === 0 ? time : `${time} offset ${printSigned(offsetMs)}`
}
