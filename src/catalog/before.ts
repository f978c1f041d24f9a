/** What an alert looked like before: its own signs, its panel a day and a week earlier, and when it fired. */
import { DAY } from '../base/index.ts'
import type { Alert, Step } from './alert.ts'
import { countOver, sumBy } from './expr.ts'
import { type Panel, panels } from './panels/index.ts'
import { earlier } from './selectors.ts'
import { metric } from './spec.ts'

const WEEK_MS = 7 * DAY

/** Written by whoever evaluates alerting rules, Celeriac or Prometheus; it has the labels of the alert besides these. */
export const alertSeries = metric({
  name: 'ALERTS',
  kind: 'gauge',
  labels: [
    'alertname',
    'alertstate',
    'severity',
    'component',
    'broker',
    'queue',
    'task',
    'worker',
    'container',
    'source',
    'metric',
    'rule_group',
    'receiver',
    'channel',
  ],
  unit: 'count',
  sources: ['rule'],
  help: '1 while an alert is pending or firing.',
})

const bySlug: readonly Panel[] = Object.values(panels)

/** The steps of the section of a runbook that looks back. What lies further back than samples are kept gives nothing. */
export function stepsBefore(alert: Alert): readonly Step[] {
  const query = bySlug.find(({ id }) => id === alert.panel)?.queries[0]?.expr
  const fired = countOver(alertSeries, { alertname: alert.name, alertstate: 'firing' }, WEEK_MS)
  return [
    ...alert.runbook.before,
    ...(query === undefined
      ? []
      : [
          { text: 'The same number at this time yesterday:', query: earlier(query, DAY) },
          { text: 'And a week ago:', query: earlier(query, WEEK_MS) },
        ]),
    {
      text: 'For how many evaluations has it fired within a week, and for what? Each is as long as the interval of the rules, 15 seconds unless set.',
      query: sumBy(
        alertSeries.labels.filter(label => alert.labels.some(own => own === label)),
        fired,
      ),
    },
  ]
}
