import { CeleriacError, formatDuration } from '../base/index.ts'
import { type Expr, parse, print, walk } from '../promql/index.ts'
import type { Check, ExpectedRule, LoadedRule } from './contract.ts'

/**
 * Which of our rules are loaded, which are not, and which are loaded otherwise than we say: with other numbers, another time, another
 * severity, or another expression. Expressions are compared as trees, so layout does not count.
 */
export function checkRules(
  expected: readonly ExpectedRule[],
  loaded: readonly LoadedRule[],
): readonly Check[] {
  return expected.map(rule => {
    const same = loaded.filter(({ kind, name }) => kind === rule.kind && name === rule.name)
    const check = (level: Check['level'], title: string, fix: string | null): Check => ({
      area: 'rules',
      name: rule.name,
      level,
      title,
      fix,
    })
    const ranked = same
      .map(other => ({ other, differences: differencesOf(rule, other) }))
      .sort((a, b) => a.differences.length - b.differences.length)
    const [best] = ranked
    if (best === undefined)
      return check(
        'missing',
        `${words(rule)} is not loaded.`,
        'Load the rules: celeriac emit prometheus -o DIR and rule_files, or celeriac emit operator with the label that your ruleSelector asks for.',
      )
    const { other, differences } = best
    if (other.health === 'err')
      return check(
        'wrong',
        `${words(rule)} is loaded and fails: ${other.lastError}`,
        `Look at ${other.place}.`,
      )
    if (differences.length > 0)
      return check(
        'wrong',
        `${words(rule)} is loaded otherwise than configured: ${differences.join('; ')}.`,
        `Emit the rules again, or put what is meant into alerts: of the configuration. Loaded from ${other.place}.`,
      )
    if (same.length > 1)
      return check(
        'info',
        `${words(rule)} is loaded ${same.length} times: ${same.map(({ place }) => place).join(', ')}.`,
        'Keep one of them.',
      )
    return other.health === 'unknown'
      ? check('info', `${words(rule)} is loaded and was not evaluated yet.`, null)
      : check('ok', `${words(rule)} is loaded.`, null)
  })
}

const words = ({ kind, name }: ExpectedRule): string =>
  kind === 'alert' ? `Alert ${name}` : `Recorded series ${name}`

/** In words, all in which a loaded rule is not ours. */
function differencesOf(rule: ExpectedRule, other: LoadedRule): readonly string[] {
  const found = [...exprDifference(rule.expr, other.query)]
  if (rule.kind === 'alert' && rule.forMs !== other.forMs)
    found.push(`for is ${formatDuration(other.forMs)} there, ${formatDuration(rule.forMs)} here`)
  for (const [label, value] of Object.entries(rule.labels))
    if (other.labels[label] !== value)
      found.push(`${label} is ${other.labels[label] ?? 'not set'} there, ${value} here`)
  return found
}

function exprDifference(ours: string, theirs: string): readonly string[] {
  const [a, b] = [treeOf(ours), treeOf(theirs)]
  if (a === undefined || b === undefined)
    return ours.trim() === theirs.trim() ? [] : ['the expression is another']
  if (print(a) === print(b)) return []
  const [x, y] = [numbersOf(a), numbersOf(b)]
  if (skeleton(a) !== skeleton(b) || x.length !== y.length)
    return [`the expression is another: ${oneLine(print(b))}`]
  const changed = x.flatMap((value, i) => (value === y[i] ? [] : [`${y[i]} there, ${value} here`]))
  return changed.length === 0
    ? [`the expression is another: ${oneLine(print(b))}`]
    : [`the limit is ${changed.join(' and ')}`]
}

const MAX_SHOWN = 160
const oneLine = (text: string): string => (text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text)

function treeOf(text: string): Expr | undefined {
  try {
    return parse(text)
  } catch (error) {
    if (error instanceof CeleriacError) return undefined
    throw error
  }
}

/** Numbers that are no durations, in source order. */
function numbersOf(tree: Expr): readonly number[] {
  const numbers: number[] = []
  walk(tree, node => {
    if (node.type === 'number') numbers.push(node.value)
  })
  return numbers
}

/** The expression with all numbers alike. */
const skeleton = (tree: Expr): string => print(without(tree))

function without(expr: Expr): Expr {
  switch (expr.type) {
    case 'number':
      return { ...expr, value: 0, duration: false }
    case 'string':
    case 'selector':
    case 'range':
      return expr
    case 'subquery':
    case 'unary':
    case 'paren':
      return { ...expr, expr: without(expr.expr) }
    case 'call':
      return { ...expr, args: expr.args.map(without) }
    case 'aggregate':
      return {
        ...expr,
        expr: without(expr.expr),
        param: expr.param === undefined ? undefined : without(expr.param),
      }
    case 'binary':
      return { ...expr, left: without(expr.left), right: without(expr.right) }
  }
}
