/** Puts one question about some series to promtool and to our own engine, both under the emitted rules. */
import { ruleGroups, type SceneSeries } from '../../src/catalog/index.ts'
import { playOurs } from './catalog-engine.ts'
import { type Case, play, ruleFiles } from './catalog-promtool.ts'

/** What both engines are asked about some series. */
export interface Question {
  readonly at: string
  /** Alert -> the label sets in which it fires; [] when it must be quiet. */
  readonly firing?: Readonly<Record<string, readonly Readonly<Record<string, string>>[]>>
  /** Expression -> its samples. */
  readonly values?: Readonly<Record<string, Readonly<Record<string, number>>>>
}

export interface Answers {
  readonly promtool: string
  readonly celeriac: string
}

/** Both found all that the question says, and nothing else. */
export const AS_SAID: Answers = { promtool: 'as said', celeriac: 'as said' }

const ruleLabels = (name: string): Readonly<Record<string, string>> => {
  const rule = ruleGroups()
    .flatMap(group => group.rules)
    .find(found => found.kind === 'alert' && found.alert === name)
  return rule?.kind === 'alert' ? { ...rule.labels } : { severity: 'critical', component: 'celeriac' }
}

/** Asks promtool and our own engine about series under the emitted rules. Whether an alert fires is asked through ALERTS. */
export async function ask(
  series: readonly SceneSeries[],
  question: Question,
  rules = ruleFiles(),
): Promise<Answers> {
  const firing = Object.entries(question.firing ?? {}).map(([name, labelSets]) => ({
    expr: `ALERTS{alertstate="firing", alertname="${name}"}`,
    eval_time: question.at,
    exp_samples: labelSets.map(labels => ({
      labels: `ALERTS${inBraces({ alertname: name, alertstate: 'firing', ...ruleLabels(name), ...labels })}`,
      value: 1,
    })),
  }))
  const values = Object.entries(question.values ?? {}).map(([expr, samples]) => ({
    expr,
    eval_time: question.at,
    exp_samples: Object.entries(samples).map(([labels, value]) => ({ labels, value })),
  }))
  const played: Case = {
    name: 'case',
    interval: '15s',
    input_series: series,
    promql_expr_test: [...firing, ...values],
  }
  const [theirs, ours] = [play(rules, [played]), await playOurs(rules, [played])]
  return {
    promtool: theirs.ok ? 'as said' : theirs.output,
    celeriac: ours.ok ? 'as said' : ours.failures.join('\n'),
  }
}

/** Labels as PromQL writes them. */
export const inBraces = (labels: Readonly<Record<string, string>>): string =>
  `{${Object.entries(labels)
    .map(([name, value]) => `${name}="${value}"`)
    .join(', ')}}`
