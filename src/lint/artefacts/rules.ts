import { type Expression, ruleExpression } from '../promql/expression.ts'
import type { Place } from '../text/source.ts'
import type { Entry, Tree } from '../text/tree.ts'

/** A recording or alerting rule of a rule file or a PrometheusRule. */
export interface RuleView {
  readonly kind: 'alert' | 'record'
  readonly name: string
  readonly namePlace: Place
  readonly expression: Expression
  readonly for: string | undefined
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: readonly Entry[]
  /** The whole rule. */
  readonly place: Place
}

/** The rules of a tree that holds `groups`; broken entries are left out, which promtool tells. */
export function readRules(holder: Tree): readonly RuleView[] {
  return (holder.get('groups')?.items ?? []).flatMap(group =>
    (group.get('rules')?.items ?? []).flatMap(rule => readRule(rule)),
  )
}

function readRule(rule: Tree): readonly RuleView[] {
  const kind = (rule.get('record')?.text ?? '') === '' ? 'alert' : 'record'
  const name = rule.get(kind)
  const expr = rule.get('expr')
  if (name?.scalar === undefined || expr?.scalar === undefined) return []
  return [
    {
      kind,
      name: name.scalar,
      namePlace: name.place,
      expression: ruleExpression(expr.source()),
      for: rule.get('for')?.scalar,
      labels: rule.get('labels')?.record ?? {},
      annotations: rule.get('annotations')?.entries ?? [],
      place: rule.place,
    },
  ]
}

/** Whether a document is a rule file: groups that hold rules. */
export const isRuleFile = (root: Tree): boolean =>
  (root.get('groups')?.items ?? []).some(group => group.get('rules')?.kind === 'list')
