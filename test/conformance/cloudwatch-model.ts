/** What is wrong with CloudWatch alarms, topics and dashboards as CloudFormation and the AWS command line have them; for ours and the guide's. */
import { parse } from 'yaml'
import { z } from 'zod'

/** By the template reference of each resource type; unknown properties are refused, as CloudFormation does. */
const ref = z.strictObject({ Ref: z.string() })
const text = z.union([z.string().min(1), ref, z.strictObject({ 'Fn::Sub': z.string() })])
const actions = z.array(text).max(5)
const seconds = z.number().int().multipleOf(10).min(10)

const properties = {
  'AWS::SNS::Topic': z.strictObject({
    TopicName: z.string().regex(/^[\w-]{1,256}$/),
    DisplayName: z.string().max(100),
  }),
  'AWS::SNS::Subscription': z.strictObject({
    TopicArn: text,
    Protocol: z.enum([
      'http',
      'https',
      'email',
      'email-json',
      'sms',
      'sqs',
      'application',
      'lambda',
      'firehose',
    ]),
    Endpoint: text,
  }),
  'AWS::CloudWatch::Alarm': z.strictObject({
    AlarmName: z.string().min(1).max(255),
    AlarmDescription: z.string().max(1024),
    Namespace: z.string().min(1).max(255),
    MetricName: z.string().min(1).max(255),
    Dimensions: z
      .array(z.strictObject({ Name: z.string().min(1).max(255), Value: z.string().min(1).max(1024) }))
      .max(30),
    Statistic: z.enum(['Average', 'Maximum', 'Minimum', 'SampleCount', 'Sum']),
    Period: seconds,
    EvaluationPeriods: z.number().int().min(1),
    DatapointsToAlarm: z.number().int().min(1),
    ComparisonOperator: z.enum([
      'GreaterThanOrEqualToThreshold',
      'GreaterThanThreshold',
      'LessThanThreshold',
      'LessThanOrEqualToThreshold',
    ]),
    Threshold: z.number(),
    TreatMissingData: z.enum(['breaching', 'notBreaching', 'ignore', 'missing']),
    AlarmActions: actions.optional(),
    OKActions: actions.optional(),
    InsufficientDataActions: actions.optional(),
  }),
  'AWS::CloudWatch::CompositeAlarm': z.strictObject({
    AlarmName: z.string().min(1).max(255),
    AlarmDescription: z.string().max(1024),
    AlarmRule: text,
    ActionsSuppressor: text.optional(),
    ActionsSuppressorWaitPeriod: z.number().int().min(0).optional(),
    ActionsSuppressorExtensionPeriod: z.number().int().min(0).optional(),
    AlarmActions: actions.optional(),
    OKActions: actions.optional(),
  }),
  'AWS::CloudWatch::Dashboard': z.strictObject({
    DashboardName: z.string().regex(/^[\w-]{1,255}$/),
    DashboardBody: text,
  }),
} as const

const resource = z.discriminatedUnion(
  'Type',
  Object.entries(properties).map(([type, shape]) =>
    z.strictObject({ Type: z.literal(type), Condition: z.string().optional(), Properties: shape }),
  ) as never,
)

const template = z.strictObject({
  AWSTemplateFormatVersion: z.literal('2010-09-09'),
  Description: z.string().max(1024),
  Parameters: z.record(z.string().regex(/^[A-Za-z0-9]+$/), z.looseObject({ Type: z.literal('String') })),
  Conditions: z.record(z.string(), z.unknown()),
  Resources: z.record(z.string().regex(/^[A-Za-z0-9]{1,255}$/), resource),
  Outputs: z.record(z.string(), z.strictObject({ Description: z.string(), Value: ref })),
})

/** Faults of form, each with its path; empty for a template that CloudFormation takes. */
export const templateFaults = (data: unknown): readonly string[] =>
  template.safeParse(data).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? []

export interface AlarmForm {
  readonly name: string
  readonly metric: string
  readonly dimensions: readonly string[]
  readonly statistic: string
  readonly period: number
  readonly evaluationPeriods: number
  readonly datapointsToAlarm?: number | undefined
  readonly treatMissingData?: string | undefined
  readonly alarmActions: readonly string[]
  readonly okActions: readonly string[]
}

export interface WidgetForm {
  readonly metric: string
  readonly dimensions: readonly string[]
  readonly stat: string
}

/** One account: what is published, what watches it, and whom it can tell. */
export interface Account {
  readonly publishEverySeconds: number | undefined
  readonly published: readonly {
    readonly name: string
    readonly dimensionSets: readonly (readonly string[])[]
    readonly statistics: readonly string[]
  }[]
  readonly alarms: readonly AlarmForm[]
  readonly topics: readonly string[]
  readonly widgets: readonly WidgetForm[]
}

const sameSet = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every(each => b.includes(each))

/** Faults of meaning: what no checker of syntax finds. */
export function accountFaults({
  publishEverySeconds,
  published,
  alarms,
  topics,
  widgets,
}: Account): readonly string[] {
  const asked = [
    ...alarms.map(({ name, metric, dimensions, statistic }) => ({
      who: name,
      metric,
      dimensions,
      statistic,
    })),
    ...widgets.map(({ metric, dimensions, stat }) => ({
      who: 'the dashboard',
      metric,
      dimensions,
      statistic: stat,
    })),
  ]
  return [
    ...alarms.flatMap(alarm => [
      ...(alarm.treatMissingData === undefined || alarm.treatMissingData === 'missing'
        ? [`${alarm.name} leaves missing data to the default`]
        : []),
      ...(alarm.alarmActions.length > 0 && alarm.okActions.length === 0
        ? [`${alarm.name} does not tell its end`]
        : []),
      ...[...new Set([...alarm.alarmActions, ...alarm.okActions])]
        .filter(topic => !topics.includes(topic))
        .map(topic => `${alarm.name} tells ${topic}, which nobody creates`),
      ...(publishEverySeconds === undefined
        ? [`${alarm.name} waits for a publisher that is never started`]
        : alarm.period < publishEverySeconds
          ? [`${alarm.name} has a shorter period than there are numbers`]
          : []),
      ...(alarm.period * (alarm.datapointsToAlarm ?? alarm.evaluationPeriods) < 120 && alarm.period < 300
        ? [`${alarm.name} goes off for a single minute`]
        : []),
    ]),
    ...asked.flatMap(({ who, metric, dimensions, statistic }) => {
      const entry = published.find(({ name }) => name === metric)
      if (entry === undefined) return [`${who} asks for ${metric}, which is not published`]
      return [
        ...(entry.dimensionSets.some(set => sameSet(set, dimensions))
          ? []
          : [`${who} asks for ${metric} by ${dimensions.join(', ') || 'nothing'}`]),
        ...(entry.statistics.includes(statistic) ? [] : [`${who} asks for the ${statistic} of ${metric}`]),
      ]
    }),
  ]
}

interface Template {
  readonly Resources: Readonly<
    Record<string, { readonly Type: string; readonly Properties: Readonly<Record<string, unknown>> }>
  >
}

export const readTemplate = (content: string): Template => parse(content) as Template

const refs = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.map(each => (each as { Ref?: string }).Ref ?? String(each)) : []

/** Alarms of a template, composite ones too; topics by the name of their resource. */
export function accountOf({ Resources }: Template): Pick<Account, 'alarms' | 'topics' | 'widgets'> {
  const of = (type: string) => Object.entries(Resources).filter(([, { Type }]) => Type === type)
  const alarms = of('AWS::CloudWatch::Alarm').map(([, { Properties: p }]): AlarmForm => ({
    name: String(p['AlarmName']),
    metric: String(p['MetricName']),
    dimensions: (p['Dimensions'] as { Name: string }[]).map(({ Name }) => Name),
    statistic: String(p['Statistic']),
    period: Number(p['Period']),
    evaluationPeriods: Number(p['EvaluationPeriods']),
    datapointsToAlarm: Number(p['DatapointsToAlarm']),
    treatMissingData: p['TreatMissingData'] as string | undefined,
    alarmActions: refs(p['AlarmActions']),
    okActions: refs(p['OKActions']),
  }))
  return {
    alarms,
    topics: of('AWS::SNS::Topic').map(([id]) => id),
    widgets: of('AWS::CloudWatch::Dashboard').flatMap(([, { Properties: p }]) =>
      widgetsOf((p['DashboardBody'] as { 'Fn::Sub': string })['Fn::Sub'].replaceAll('${!', '${')),
    ),
  }
}

/** What the rows of a dashboard ask for, searches too. */
export function widgetsOf(body: string): readonly WidgetForm[] {
  const { widgets } = JSON.parse(body) as {
    widgets: { properties: { stat?: string; metrics: unknown[][] } }[]
  }
  return widgets.flatMap(({ properties: { stat, metrics } }) =>
    metrics.map(row => {
      const texts = row.filter(each => typeof each === 'string')
      const options = row.find(each => typeof each === 'object') as
        { readonly stat?: string; readonly expression?: string } | undefined
      const search = /^SEARCH\('\{([^}]*)\} MetricName="([^"]*)".*', '(\w+)', \d+\)$/.exec(
        options?.expression ?? '',
      )
      if (search !== null)
        return {
          metric: search[2] ?? '',
          dimensions: (search[1] ?? '').split(',').slice(1),
          stat: search[3] ?? '',
        }
      return {
        metric: texts[1] ?? '',
        dimensions: texts.slice(2).filter((_, i) => i % 2 === 0),
        stat: options?.stat ?? stat ?? '',
      }
    }),
  )
}
