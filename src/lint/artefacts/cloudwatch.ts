import type { Place } from '../text/source.ts'
import { optionValues, type ShellCommand } from '../text/shell.ts'
import type { Tree } from '../text/tree.ts'

/** A CloudWatch alarm, of a CloudFormation template or a command line. */
export interface AlarmView {
  readonly name: string
  readonly place: Place
  /** Where its metric is named; the alarm when it has none. */
  readonly metricPlace: Place
  readonly form: 'cloudformation' | 'cli'
  readonly metric: string | undefined
  readonly namespace: string | undefined
  /** Names of dimensions; undefined when they cannot be read. */
  readonly dimensions: readonly string[] | undefined
  readonly comparison: string | undefined
  readonly statistic: string | undefined
  readonly treatMissingData: string | undefined
  readonly alarmActions: readonly Action[]
  readonly okActions: readonly Action[]
  /** A composite alarm has no data of its own. */
  readonly composite: boolean
}

export interface Action {
  /** The name of the SNS topic, when it can be read. */
  readonly topic: string | undefined
  readonly place: Place
}

/** A metric in a widget of a CloudWatch dashboard. */
export interface WidgetMetric {
  readonly namespace: string
  readonly metric: string
  readonly dimensions: readonly string[]
  readonly stat: string | undefined
  readonly statPlace: Place | undefined
  readonly place: Place
}

/** A set of dimensions under which a metric is published. */
export interface PublishedMetric {
  /** Undefined when it is not written as a text. */
  readonly namespace: string | undefined
  readonly metric: string
  readonly dimensions: readonly string[]
  readonly unit: string | undefined
  readonly place: Place
}

export interface TopicView {
  readonly name: string
  readonly place: Place
}

const topicOfArn = (arn: string): string | undefined =>
  /^arn:[^:]*:sns:[^:]*:[^:]*:([\w-]+)(?:\.fifo)?$/.exec(arn)?.[1]

/** `aws cloudwatch put-metric-alarm` as an alarm; undefined for other commands. */
export function alarmOfCommand(command: ShellCommand): AlarmView | undefined {
  if (!isAws(command, 'cloudwatch', 'put-metric-alarm')) return undefined
  const one = (name: string): string | undefined => optionValues(command, name)?.[0]?.text
  const actions = (name: string): readonly Action[] =>
    (optionValues(command, name) ?? []).flatMap(({ text, place }) =>
      text.split(/\s+/).map(arn => ({ topic: topicOfArn(arn), place })),
    )
  return {
    name: one('--alarm-name') ?? '',
    place: command.place,
    metricPlace: optionValues(command, '--metric-name')?.[0]?.place ?? command.place,
    form: 'cli',
    metric: one('--metric-name'),
    namespace: one('--namespace'),
    dimensions: (optionValues(command, '--dimensions') ?? []).flatMap(({ text }) => dimensionNames(text)),
    comparison: one('--comparison-operator'),
    statistic: one('--statistic') ?? one('--extended-statistic'),
    treatMissingData: one('--treat-missing-data'),
    alarmActions: actions('--alarm-actions'),
    okActions: actions('--ok-actions'),
    composite: false,
  }
}

/** The AWS command line's short form: `Name=Queue,Value=reports`. */
const dimensionNames = (text: string): readonly string[] =>
  [...text.matchAll(/"?Name"?\s*[=:]\s*"?([\w.-]+)/g)].flatMap(match => match[1] ?? [])

/** `aws sns create-topic` as a topic. */
export function topicOfCommand(command: ShellCommand): TopicView | undefined {
  if (!isAws(command, 'sns', 'create-topic')) return undefined
  const name = optionValues(command, '--name')?.[0]
  return name === undefined ? undefined : { name: name.text.replace(/\.fifo$/, ''), place: name.place }
}

function isAws({ words }: ShellCommand, service: string, operation: string): boolean {
  const at = words.findIndex(({ text }) => text === 'aws' || text.endsWith('/aws'))
  return at >= 0 && words[at + 1]?.text === service && words[at + 2]?.text === operation
}

/** Alarms and topics of a CloudFormation template. */
export function readTemplate(
  root: Tree,
): { readonly alarms: readonly AlarmView[]; readonly topics: readonly TopicView[] } | undefined {
  const resources = root.get('Resources')?.entries ?? []
  if (!resources.some(({ value }) => value.get('Type')?.text?.startsWith('AWS::') === true)) return undefined
  const alarms: AlarmView[] = []
  const topics: TopicView[] = []
  for (const { key, keyPlace, value } of resources) {
    const type = value.get('Type')?.text
    if (type === 'AWS::SNS::Topic') {
      topics.push({ name: key, place: keyPlace })
      const name = value.get('Properties', 'TopicName')
      if (name?.scalar !== undefined) topics.push({ name: name.scalar, place: name.place })
    }
    if (type === 'AWS::CloudWatch::Alarm' || type === 'AWS::CloudWatch::CompositeAlarm')
      alarms.push(
        alarmOfResource(key, keyPlace, value.get('Properties'), type === 'AWS::CloudWatch::CompositeAlarm'),
      )
  }
  return { alarms, topics }
}

function alarmOfResource(
  key: string,
  place: Place,
  properties: Tree | undefined,
  composite: boolean,
): AlarmView {
  const text = (name: string): string | undefined => properties?.get(name)?.scalar
  const actions = (name: string): readonly Action[] =>
    (properties?.get(name)?.items ?? []).map(item => ({ topic: topicOf(item), place: item.place }))
  const dimensions = properties?.get('Dimensions')
  return {
    name: text('AlarmName') ?? key,
    place,
    metricPlace: properties?.get('MetricName')?.place ?? place,
    form: 'cloudformation',
    metric: text('MetricName'),
    namespace: text('Namespace'),
    dimensions:
      dimensions !== undefined && dimensions.kind !== 'list'
        ? undefined
        : (dimensions?.items ?? []).flatMap(item => item.get('Name')?.scalar ?? []),
    comparison: text('ComparisonOperator'),
    statistic: text('Statistic') ?? text('ExtendedStatistic'),
    treatMissingData:
      properties?.has('TreatMissingData') === true ? (text('TreatMissingData') ?? 'given') : undefined,
    alarmActions: actions('AlarmActions'),
    okActions: actions('OKActions'),
    composite,
  }
}

/** The topic of an action: its ARN, `!Ref Topic`, or `{"Ref": "Topic"}`. */
function topicOf(item: Tree): string | undefined {
  if (item.tag === '!Ref') return item.scalar
  const ref = item.get('Ref')?.scalar
  if (ref !== undefined) return ref
  return item.tag === undefined && item.text !== undefined ? topicOfArn(item.text) : undefined
}

/** The metrics of a dashboard body (CloudWatch "Dashboard body structure and syntax"); undefined for anything else. */
export function readWidgets(root: Tree): readonly WidgetMetric[] | undefined {
  const widgets = root.get('widgets')?.items ?? []
  if (!widgets.some(widget => widget.get('properties', 'metrics') !== undefined)) return undefined
  return widgets.flatMap(widget => {
    const properties = widget.get('properties')
    let previous: readonly string[] = []
    return (properties?.get('metrics')?.items ?? []).flatMap(row => {
      const written = row.items.flatMap(item => item.text ?? [])
      // `.` repeats the value above, `...` the rest of the row above.
      const words = written.flatMap((word, i) =>
        word === '...'
          ? previous.slice(i, previous.length - (written.length - i - 1))
          : [word === '.' ? (previous[i] ?? word) : word],
      )
      const [namespace, metric] = words
      if (namespace === undefined || metric === undefined) return []
      previous = words
      const options = row.items.at(-1)
      const stat = options?.get('stat') ?? properties?.get('stat')
      return [
        {
          namespace,
          metric,
          dimensions: words.slice(2).filter((_, i) => i % 2 === 0),
          stat: stat?.text,
          statPlace: stat?.place,
          place: row.place,
        },
      ]
    })
  })
}
