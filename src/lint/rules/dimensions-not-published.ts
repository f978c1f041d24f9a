import type { PublishedMetric } from '../artefacts/cloudwatch.ts'
import type { LintRule } from '../contract.ts'
import type { Project } from '../project.ts'
import type { Place } from '../text/source.ts'

const PUBLISHER = {
  path: 'publish.py',
  text: `cloudwatch.put_metric_data(
    Namespace='Celery',
    MetricData=[
        {'MetricName': 'QueueDepth', 'Value': depth, 'Unit': 'Count', 'Dimensions': [{'Name': 'Queue', 'Value': 'reports'}]},
    ],
)
`,
}
const WIDGET = (dimensions: string): string => `{
  "widgets": [
    {"type": "metric", "properties": {"metrics": [["Celery", "QueueDepth"${dimensions}, {"stat": "Maximum"}]], "period": 60}}
  ]
}
`

export const dimensionsNotPublished: LintRule = {
  name: 'dimensions-not-published',
  severity: 'error',
  title: 'A CloudWatch metric asked for with dimensions under which it is not published',
  why: 'Every set of dimensions is a metric of its own: CloudWatch does not sum over a dimension that is left out. The widget stays empty, and the alarm has no data.',
  bad: [PUBLISHER, { path: 'dashboard.json', text: WIDGET('') }],
  good: [PUBLISHER, { path: 'dashboard.json', text: WIDGET(', "Queue", "reports"') }],
  sources: [
    'https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html#dimension-combinations',
  ],
  check(project, report) {
    for (const { namespace, metric, dimensions, place } of project.widgets)
      check(project, namespace, metric, dimensions, place, 'the widget', report)
    for (const { namespace, metric, dimensions, metricPlace, name } of project.alarms)
      if (metric !== undefined && dimensions !== undefined)
        check(project, namespace, metric, dimensions, metricPlace, `alarm ${name}`, report)
  },
}

function check(
  project: Project,
  namespace: string | undefined,
  metric: string,
  dimensions: readonly string[],
  at: Place,
  who: string,
  report: (fault: { at: Place; message: string; fix?: string }) => void,
): void {
  const published = publishedAs(project, namespace, metric)
  if (published.length === 0 || published.some(each => sameSet(each, dimensions))) return
  report({
    at,
    message: `${who} asks for ${metric} ${words(dimensions)}; it is published ${[...new Set(published.map(words))].join(' or ')}`,
    fix: `Dimensions: ${(published[0] ?? []).join(', ') || 'none'}`,
  })
}

/** The sets of dimensions of a metric: what a publisher gives, or else what alarms with dimensions ask for. */
function publishedAs(
  { published, alarms }: Project,
  namespace: string | undefined,
  metric: string,
): readonly (readonly string[])[] {
  const same = (other: string | undefined): boolean =>
    namespace === undefined || other === undefined || other === namespace
  const own = published.filter((each: PublishedMetric) => each.metric === metric && same(each.namespace))
  if (own.length > 0) return own.map(each => each.dimensions)
  return alarms.flatMap(alarm =>
    alarm.metric === metric &&
    same(alarm.namespace) &&
    alarm.dimensions !== undefined &&
    alarm.dimensions.length > 0
      ? [alarm.dimensions]
      : [],
  )
}

const sameSet = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every(each => b.includes(each))
const words = (dimensions: readonly string[]): string =>
  dimensions.length === 0 ? 'without dimensions' : `by ${dimensions.join(', ')}`
