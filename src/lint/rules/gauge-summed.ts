import type { LintRule } from '../contract.ts'

const WIDGET = (stat: string): string => `{
  "widgets": [
    {"type": "metric", "properties": {"metrics": [["Celery", "ActiveTasks", {"stat": "${stat}"}]], "period": 300, "title": "Active tasks"}}
  ]
}
`
/** Names of states: what is there at a moment. */
const STATE =
  /(?:Active|Waiting|Pending|Queue|Running|Reserved|Scheduled)\w*(?:Tasks?|Depth|Length|Size)$|(?:Queue)?(?:Depth|Length)$|^(?:Worker|Consumer)s?(?:Count)?$|PerWorker$|Utili[sz]ation$/

export const gaugeSummed: LintRule = {
  name: 'gauge-summed',
  severity: 'warning',
  title: 'A state drawn as the sum of its samples',
  why: 'A state that is published once a minute and summed over five is five times what it is, and changes with the period of the graph. Take Average, or Maximum where the worst moment counts.',
  bad: [{ path: 'dashboard.json', text: WIDGET('Sum') }],
  good: [{ path: 'dashboard.json', text: WIDGET('Maximum') }],
  check({ widgets, alarms }, report) {
    for (const { metric, stat, statPlace, place } of widgets)
      if (stat === 'Sum' && STATE.test(metric))
        report({
          at: statPlace ?? place,
          message: `${metric} is a state and is drawn as a sum of samples`,
          fix: '"stat": "Maximum"',
        })
    for (const { metric, statistic, name, place } of alarms)
      if (statistic === 'Sum' && metric !== undefined && STATE.test(metric))
        report({
          at: place,
          message: `alarm ${name} sums the samples of ${metric}, which is a state`,
          fix: 'Maximum',
        })
  },
}
