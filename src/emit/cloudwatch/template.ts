/**
 * The plan as a CloudFormation template. Properties by the template reference of AWS::CloudWatch::Alarm, ::CompositeAlarm,
 * ::Dashboard, AWS::SNS::Topic and ::Subscription.
 */
import { header } from '../header.ts'
import type { EmitSettings } from '../settings.ts'
import { toYaml, type YamlNote } from '../yaml.ts'
import type { CloudWatchPlan, PlannedAlarm, PlannedComposite, PlannedTopic } from './plan.ts'

export const TEMPLATE_FILE = 'celeriac.template.yaml'

interface Resource {
  readonly Type: string
  readonly Condition?: string
  readonly DependsOn?: readonly string[]
  readonly Properties: Readonly<Record<string, unknown>>
}

/** In the body of the dashboard until the template or the script puts the region there. */
export const REGION_MARK = '@REGION@'

const upper = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1)
const emailOf = ({ severity }: PlannedTopic): string => `${upper(severity)}Email`
const urlOf = ({ severity }: PlannedTopic): string => `${upper(severity)}Url`

/** Throws when a severity has no topic: its alarms would tell nobody (guide-flaw 50). */
export function topicOf(plan: CloudWatchPlan, { severity }: { readonly severity: string }): PlannedTopic {
  const topic = plan.topics.find(each => each.severity === severity)
  if (topic === undefined) throw new Error(`No topic is planned for ${severity}.`)
  return topic
}

function alarmResource(plan: CloudWatchPlan, alarm: PlannedAlarm): Resource {
  const told = [{ Ref: topicOf(plan, alarm).id }]
  return {
    Type: 'AWS::CloudWatch::Alarm',
    Properties: {
      AlarmName: alarm.name,
      AlarmDescription: alarm.description,
      Namespace: alarm.namespace,
      MetricName: alarm.metric,
      Dimensions: alarm.dimensions.map(({ name, value }) => ({ Name: name, Value: value })),
      Statistic: alarm.statistic,
      Period: alarm.periodSeconds,
      EvaluationPeriods: alarm.evaluationPeriods,
      DatapointsToAlarm: alarm.datapointsToAlarm,
      ComparisonOperator: alarm.comparison,
      Threshold: alarm.threshold,
      TreatMissingData: alarm.treatMissingData,
      ...(alarm.tells ? { AlarmActions: told, OKActions: told } : {}),
    },
  }
}

function compositeResource(plan: CloudWatchPlan, composite: PlannedComposite): Resource {
  const told = [{ Ref: topicOf(plan, composite).id }]
  const { telling } = composite
  return {
    Type: 'AWS::CloudWatch::CompositeAlarm',
    Properties: {
      AlarmName: composite.name,
      AlarmDescription: composite.description,
      AlarmRule: { 'Fn::Sub': composite.of.map(({ id }) => `ALARM("\${${id}}")`).join(' OR ') },
      ...(telling === undefined
        ? {}
        : {
            ActionsSuppressor: { Ref: telling.suppressor.id },
            ActionsSuppressorWaitPeriod: telling.waitSeconds,
            ActionsSuppressorExtensionPeriod: telling.extensionSeconds,
            AlarmActions: told,
            OKActions: told,
          }),
    },
  }
}

const subscription = (topic: PlannedTopic, parameter: string, protocol: string): Resource => ({
  Type: 'AWS::SNS::Subscription',
  Condition: `Has${parameter}`,
  Properties: { TopicArn: { Ref: topic.id }, Protocol: protocol, Endpoint: { Ref: parameter } },
})

/** `Fn::Sub` would take `${…}` of the dashboard's own for a reference. */
const substituted = (text: string): string =>
  text.replaceAll('${', '${!').replaceAll(REGION_MARK, '${AWS::Region}')

export function templateFile(plan: CloudWatchPlan, settings: EmitSettings): string {
  const parameters = plan.topics.flatMap(topic => [
    [
      emailOf(topic),
      {
        Type: 'String',
        Default: '',
        Description: `Who is told of ${topic.severity} alarms by mail. Each address has to confirm.`,
      },
    ] as const,
    [
      urlOf(topic),
      {
        Type: 'String',
        Default: '',
        NoEcho: true,
        AllowedPattern: '^(https://.*)?$',
        Description: `What is told of ${topic.severity} alarms by HTTPS, such as the integration of a pager.`,
      },
    ] as const,
  ])
  const resources: Record<string, Resource> = {}
  for (const topic of plan.topics) {
    resources[topic.id] = {
      Type: 'AWS::SNS::Topic',
      Properties: { TopicName: topic.name, DisplayName: `Celeriac ${topic.severity}` },
    }
    resources[`${topic.id}Email`] = subscription(topic, emailOf(topic), 'email')
    resources[`${topic.id}Url`] = subscription(topic, urlOf(topic), 'https')
  }
  for (const alarm of plan.alarms) resources[alarm.id] = alarmResource(plan, alarm)
  for (const composite of plan.composites) resources[composite.id] = compositeResource(plan, composite)
  resources['Dashboard'] = {
    Type: 'AWS::CloudWatch::Dashboard',
    Properties: {
      DashboardName: plan.dashboard.name,
      DashboardBody: { 'Fn::Sub': substituted(JSON.stringify(plan.dashboard.body(REGION_MARK), null, 1)) },
    },
  }
  const firstAlarm = plan.alarms[0]
  const firstComposite = plan.composites[0]
  const breaching = plan.alarms.find(({ treatMissingData }) => treatMissingData === 'breaching')
  const notes: YamlNote[] = [
    [
      ['Resources', plan.topics[0]?.id ?? 'Dashboard'],
      'Not encrypted with the key alias/aws/sns: CloudWatch may not use that one, and no alarm would arrive.',
    ],
    ...(firstAlarm === undefined
      ? []
      : ([
          [
            ['Resources', firstAlarm.id],
            'Alarms. Under the broker alone a metric has a value for each queue or container, and Maximum is the worst of them.\nA queue or task with a limit of its own in the configuration is not among them; it has an alarm of its own.',
          ],
        ] as const)),
    ...(breaching === undefined
      ? []
      : ([
          [
            ['Resources', breaching.id, 'Properties', 'TreatMissingData'],
            'Nobody else notices that nothing is published any more.',
          ],
        ] as const)),
    ...(firstComposite === undefined
      ? []
      : ([
          [
            ['Resources', firstComposite.id],
            'Composite alarms tell for the alarms above that have no actions, not while what makes them superfluous is told already.',
          ],
        ] as const)),
    [
      ['Resources', 'Dashboard'],
      'Every metric and every set of dimensions in it is published by Celeriac (docs/cloudwatch.md).',
    ],
  ]
  return toYaml(
    header(
      settings,
      `Alarms, topics and a dashboard for what Celeriac publishes to CloudWatch, namespace ${plan.namespace}.`,
      `aws cloudformation deploy --stack-name celeriac --template-file ${TEMPLATE_FILE} --parameter-overrides CriticalEmail=you@example.com WarningEmail=you@example.com`,
    ),
    {
      AWSTemplateFormatVersion: '2010-09-09',
      Description: 'Alarms, topics and a dashboard for Celery, watched by Celeriac.',
      Parameters: Object.fromEntries(parameters),
      Conditions: Object.fromEntries(
        parameters.map(([name]) => [`Has${name}`, { 'Fn::Not': [{ 'Fn::Equals': [{ Ref: name }, ''] }] }]),
      ),
      Resources: resources,
      Outputs: Object.fromEntries(
        plan.topics.map(({ id, severity }) => [
          id,
          { Description: `Topic of ${severity} alarms.`, Value: { Ref: id } },
        ]),
      ),
    },
    notes,
  )
}
