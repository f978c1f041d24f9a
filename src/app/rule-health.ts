import type { Log } from '../base/index.ts'
import { metrics } from '../catalog/index.ts'
import type { MetricsRegistry } from '../metrics/index.ts'
import { type GroupEvaluation, type Rule, type RuleGroup, ruleGroupId, ruleName } from '../rules/index.ts'

/** Counts how rules fare, by group, and says in the log which fail. */
export interface RuleHealth {
  evaluated(group: RuleGroup, evaluation: Pick<GroupEvaluation, 'failures'>): void
  missed(group: RuleGroup, slots: number): void
}

/** An error whose numbers alone change, as `with 17 series`, is the same error. */
const kindOf = (error: string): string => error.replace(/\d+/g, '0')

/**
 * Rules are evaluated every few seconds: a failure is logged when it begins, when its error becomes another and when it is over.
 * Counters begin at 0, so that the first failure is an increase too.
 */
export function createRuleHealth(
  groups: readonly RuleGroup[],
  registry: Pick<MetricsRegistry, 'add'>,
  log: Log,
): RuleHealth {
  const failing = new Map<Rule, string>()
  for (const group of groups) {
    const labels = { rule_group: ruleGroupId(group) }
    for (const metric of [metrics.ruleEvaluations, metrics.ruleFailures, metrics.ruleGroupMissed])
      registry.add(metric, labels, 0)
  }

  return {
    evaluated(group, { failures }) {
      const labels = { rule_group: ruleGroupId(group) }
      registry.add(metrics.ruleEvaluations, labels, group.rules.length)
      if (failures.length > 0) registry.add(metrics.ruleFailures, labels, failures.length)
      const errors = new Map(failures.map(({ rule, error }) => [rule, error]))
      for (const rule of group.rules) {
        const error = errors.get(rule)
        const kind = error === undefined ? undefined : kindOf(error)
        if (kind === failing.get(rule)) continue
        const where = { file: group.file, group: group.name, rule: ruleName(rule) }
        if (kind === undefined) {
          failing.delete(rule)
          log.info('A rule that failed works again.', where)
        } else {
          failing.set(rule, kind)
          log.warn('A rule fails; its end or another error is told, each repetition is not.', {
            ...where,
            error,
          })
        }
      }
    },
    missed: (group, slots) =>
      registry.add(metrics.ruleGroupMissed, { rule_group: ruleGroupId(group) }, slots),
  }
}
