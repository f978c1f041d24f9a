/** Brings alarms, composite alarms, a dashboard and topics of an account to what they should be; what is right is left alone. */
import type {
  CloudWatchClient,
  ComparisonOperator,
  CompositeAlarm,
  MetricAlarm,
  Statistic,
} from '@aws-sdk/client-cloudwatch'
import type * as CloudWatchModule from '@aws-sdk/client-cloudwatch'
import type { SNSClient } from '@aws-sdk/client-sns'
import type * as SnsModule from '@aws-sdk/client-sns'
import { isDeepStrictEqual } from 'node:util'
import { CeleriacError } from '../../base/index.ts'
import type { AwsOptions } from './sink.ts'

export interface DesiredTopic {
  readonly name: string
  /** An address of mail or an https URL. */
  readonly subscribers: readonly string[]
}

export interface DesiredAlarm {
  readonly name: string
  readonly description: string
  readonly namespace: string
  readonly metric: string
  readonly dimensions: readonly { readonly name: string; readonly value: string }[]
  readonly statistic: Statistic
  readonly periodSeconds: number
  readonly evaluationPeriods: number
  readonly datapointsToAlarm: number
  readonly threshold: number
  readonly comparison: ComparisonOperator
  readonly treatMissingData: string
  /** The topic that is told of its beginning and its end. */
  readonly topic: string | undefined
}

export interface DesiredComposite {
  readonly name: string
  readonly description: string
  readonly rule: string
  readonly suppressor:
    { readonly name: string; readonly waitSeconds: number; readonly extensionSeconds: number } | undefined
  readonly topic: string | undefined
}

/** What there should be. Composite alarms stand after those that they name. */
export interface DesiredState {
  readonly topics: readonly DesiredTopic[]
  readonly alarms: readonly DesiredAlarm[]
  readonly composites: readonly DesiredComposite[]
  readonly dashboard: { readonly name: string; readonly body: (region: string) => unknown }
}

/** One difference between what is and what should be. */
export interface CloudChange {
  readonly kind: 'topic' | 'subscription' | 'alarm' | 'composite alarm' | 'dashboard'
  readonly name: string
  readonly change: 'create' | 'change' | 'delete'
  /** What differs, of what is changed. */
  readonly fields: readonly string[]
}

export interface CloudManager {
  /** What `apply` would do. */
  diff(desired: DesiredState): Promise<readonly CloudChange[]>
  /** Does it, and says what was done; nothing the second time. */
  apply(desired: DesiredState): Promise<readonly CloudChange[]>
  /** Takes away what is there of it, by name, and says what that was. */
  remove(desired: DesiredState): Promise<readonly CloudChange[]>
  close(): void
}

type CloudWatchSdk = typeof CloudWatchModule
type SnsSdk = typeof SnsModule

const PACKAGES = '@aws-sdk/client-cloudwatch @aws-sdk/client-sns'
const DELETE_AT_ONCE = 100

/** Throws CONFIG_INVALID when the SDK is not installed; its methods throw AWS_FAILED with what AWS says. */
export async function openCloudManager({ region, endpointUrl }: AwsOptions): Promise<CloudManager> {
  const [cloudwatch, sns] = await Promise.all([
    import('@aws-sdk/client-cloudwatch'),
    import('@aws-sdk/client-sns'),
  ]).catch((error: unknown) => {
    throw new CeleriacError('CONFIG_INVALID', 'CloudWatch needs the AWS SDK, which is not installed.', {
      hint: `Install it beside celeriac: npm install ${PACKAGES}`,
      cause: error,
    })
  })
  const settings = {
    ...(region === undefined ? {} : { region }),
    ...(endpointUrl === undefined ? {} : { endpoint: endpointUrl }),
  }
  return new Manager(
    { sdk: cloudwatch, client: new cloudwatch.CloudWatchClient(settings) },
    { sdk: sns, client: new sns.SNSClient(settings) },
  )
}

interface Current {
  readonly topics: ReadonlyMap<string, { readonly arn: string; readonly subscribers: readonly string[] }>
  readonly alarms: ReadonlyMap<string, MetricAlarm>
  readonly composites: ReadonlyMap<string, CompositeAlarm>
  readonly dashboard: unknown
  readonly region: string
}

interface Step extends CloudChange {
  readonly run: () => Promise<unknown>
}

class Manager implements CloudManager {
  readonly #cloudwatch: {
    readonly sdk: CloudWatchSdk
    readonly client: CloudWatchClient
  }
  readonly #sns: { readonly sdk: SnsSdk; readonly client: SNSClient }

  constructor(
    cloudwatch: {
      readonly sdk: CloudWatchSdk
      readonly client: CloudWatchClient
    },
    sns: { readonly sdk: SnsSdk; readonly client: SNSClient },
  ) {
    this.#cloudwatch = cloudwatch
    this.#sns = sns
  }

  diff(desired: DesiredState): Promise<readonly CloudChange[]> {
    return told(async () => changesOf(this.#steps(desired, await this.#read(desired), new Map())))
  }

  apply(desired: DesiredState): Promise<readonly CloudChange[]> {
    return told(async () => {
      const arns = new Map<string, string>()
      const steps = this.#steps(desired, await this.#read(desired), arns)
      for (const { run } of steps) await run()
      return changesOf(steps)
    })
  }

  remove(desired: DesiredState): Promise<readonly CloudChange[]> {
    return told(async () => {
      const { sdk, client } = this.#cloudwatch
      const current = await this.#read(desired)
      const done: CloudChange[] = []
      const gone = (kind: CloudChange['kind'], name: string): unknown =>
        done.push({ kind, name, change: 'delete', fields: [] })
      // Those that name others go first; CloudWatch takes one composite alarm at a time.
      for (const { name } of desired.composites.toReversed()) {
        if (!current.composites.has(name)) continue
        await client.send(new sdk.DeleteAlarmsCommand({ AlarmNames: [name] }))
        gone('composite alarm', name)
      }
      const names = desired.alarms.map(({ name }) => name).filter(name => current.alarms.has(name))
      for (let i = 0; i < names.length; i += DELETE_AT_ONCE)
        await client.send(new sdk.DeleteAlarmsCommand({ AlarmNames: names.slice(i, i + DELETE_AT_ONCE) }))
      for (const name of names) gone('alarm', name)
      if (current.dashboard !== undefined) {
        await client.send(new sdk.DeleteDashboardsCommand({ DashboardNames: [desired.dashboard.name] }))
        gone('dashboard', desired.dashboard.name)
      }
      for (const { name } of desired.topics) {
        const topic = current.topics.get(name)
        if (topic === undefined) continue
        await this.#sns.client.send(new this.#sns.sdk.DeleteTopicCommand({ TopicArn: topic.arn }))
        gone('topic', name)
      }
      return done
    })
  }

  close(): void {
    this.#cloudwatch.client.destroy()
    this.#sns.client.destroy()
  }

  async #read(desired: DesiredState): Promise<Current> {
    const { sdk, client } = this.#cloudwatch
    const alarms = new Map<string, MetricAlarm>()
    const composites = new Map<string, CompositeAlarm>()
    const names = [...desired.alarms, ...desired.composites].map(({ name }) => name)
    for (let i = 0; i < names.length; i += DELETE_AT_ONCE) {
      const found = await client.send(
        new sdk.DescribeAlarmsCommand({
          AlarmNames: names.slice(i, i + DELETE_AT_ONCE),
          AlarmTypes: ['MetricAlarm', 'CompositeAlarm'],
          MaxRecords: DELETE_AT_ONCE,
        }),
      )
      for (const alarm of found.MetricAlarms ?? []) alarms.set(alarm.AlarmName ?? '', alarm)
      for (const alarm of found.CompositeAlarms ?? []) composites.set(alarm.AlarmName ?? '', alarm)
    }
    return {
      topics: await this.#topics(desired),
      alarms,
      composites,
      dashboard: await this.#dashboard(desired.dashboard.name),
      region: await client.config.region(),
    }
  }

  async #dashboard(name: string): Promise<unknown> {
    const { sdk, client } = this.#cloudwatch
    try {
      const { DashboardBody } = await client.send(new sdk.GetDashboardCommand({ DashboardName: name }))
      return JSON.parse(DashboardBody ?? 'null') as unknown
    } catch (error) {
      if (error instanceof Error && /NotFound/.test(error.name)) return undefined
      throw error
    }
  }

  async #topics(desired: DesiredState): Promise<Current['topics']> {
    const { sdk, client } = this.#sns
    const topics = new Map<string, { arn: string; subscribers: readonly string[] }>()
    for (let token: string | undefined, first = true; first || token !== undefined; first = false) {
      const page = await client.send(new sdk.ListTopicsCommand({ NextToken: token }))
      for (const { TopicArn: arn = '' } of page.Topics ?? []) {
        const name = arn.slice(arn.lastIndexOf(':') + 1)
        if (desired.topics.some(topic => topic.name === name))
          topics.set(name, { arn, subscribers: await this.#subscribers(arn) })
      }
      token = page.NextToken
    }
    return topics
  }

  /** Also those that have not confirmed yet. */
  async #subscribers(arn: string): Promise<readonly string[]> {
    const { sdk, client } = this.#sns
    const found: string[] = []
    for (let token: string | undefined, first = true; first || token !== undefined; first = false) {
      const page = await client.send(
        new sdk.ListSubscriptionsByTopicCommand({ TopicArn: arn, NextToken: token }),
      )
      for (const { Endpoint } of page.Subscriptions ?? []) if (Endpoint !== undefined) found.push(Endpoint)
      token = page.NextToken
    }
    return found
  }

  /** What is to be done, in the order in which it can be. ARNs of topics that are made are put into `made`. */
  #steps(desired: DesiredState, current: Current, made: Map<string, string>): readonly Step[] {
    const arnOf = (topic: string | undefined): string[] => {
      if (topic === undefined) return []
      const arn = made.get(topic) ?? current.topics.get(topic)?.arn
      return arn === undefined ? [] : [arn]
    }
    return [
      ...desired.topics.flatMap(topic => this.#topicSteps(topic, current, made)),
      ...desired.alarms.flatMap(alarm => this.#alarmStep(alarm, current.alarms.get(alarm.name), arnOf)),
      ...desired.composites.flatMap(composite =>
        this.#compositeStep(composite, current.composites.get(composite.name), arnOf),
      ),
      ...this.#dashboardStep(desired.dashboard, current),
    ]
  }

  #topicSteps(
    { name, subscribers }: DesiredTopic,
    current: Current,
    made: Map<string, string>,
  ): readonly Step[] {
    const { sdk, client } = this.#sns
    const known = current.topics.get(name)
    const steps: Step[] = []
    if (known === undefined)
      steps.push({
        kind: 'topic',
        name,
        change: 'create',
        fields: [],
        run: async () => {
          const { TopicArn } = await client.send(new sdk.CreateTopicCommand({ Name: name }))
          made.set(name, TopicArn ?? '')
        },
      })
    for (const endpoint of subscribers)
      if (known?.subscribers.includes(endpoint) !== true)
        steps.push({
          kind: 'subscription',
          // An https URL of a pager is a credential.
          name: `${name} to ${endpoint.startsWith('https:') ? new URL(endpoint).host : endpoint}`,
          change: 'create',
          fields: [],
          run: () =>
            client.send(
              new sdk.SubscribeCommand({
                TopicArn: made.get(name) ?? known?.arn,
                Protocol: endpoint.startsWith('https:') ? 'https' : 'email',
                Endpoint: endpoint,
              }),
            ),
        })
    return steps
  }

  #alarmStep(
    alarm: DesiredAlarm,
    current: MetricAlarm | undefined,
    arnOf: (topic: string | undefined) => string[],
  ): readonly Step[] {
    const { sdk, client } = this.#cloudwatch
    const input = () => ({
      AlarmName: alarm.name,
      AlarmDescription: alarm.description,
      Namespace: alarm.namespace,
      MetricName: alarm.metric,
      Dimensions: alarm.dimensions.map(({ name, value }) => ({ Name: name, Value: value })),
      Statistic: alarm.statistic,
      Period: alarm.periodSeconds,
      EvaluationPeriods: alarm.evaluationPeriods,
      DatapointsToAlarm: alarm.datapointsToAlarm,
      Threshold: alarm.threshold,
      ComparisonOperator: alarm.comparison,
      TreatMissingData: alarm.treatMissingData,
      AlarmActions: arnOf(alarm.topic),
      OKActions: arnOf(alarm.topic),
    })
    return stepOf('alarm', alarm.name, current, input, () =>
      client.send(new sdk.PutMetricAlarmCommand(input())),
    )
  }

  #compositeStep(
    composite: DesiredComposite,
    current: CompositeAlarm | undefined,
    arnOf: (topic: string | undefined) => string[],
  ): readonly Step[] {
    const { sdk, client } = this.#cloudwatch
    const input = () => ({
      AlarmName: composite.name,
      AlarmDescription: composite.description,
      AlarmRule: composite.rule,
      AlarmActions: arnOf(composite.topic),
      OKActions: arnOf(composite.topic),
      ...(composite.suppressor === undefined
        ? {}
        : {
            ActionsSuppressor: composite.suppressor.name,
            ActionsSuppressorWaitPeriod: composite.suppressor.waitSeconds,
            ActionsSuppressorExtensionPeriod: composite.suppressor.extensionSeconds,
          }),
    })
    // CloudWatch may answer with the ARN where a name was given.
    const plain =
      current?.ActionsSuppressor === undefined
        ? current
        : { ...current, ActionsSuppressor: current.ActionsSuppressor.replace(/^arn:.*:alarm:/, '') }
    return stepOf('composite alarm', composite.name, plain, input, () =>
      client.send(new sdk.PutCompositeAlarmCommand(input())),
    )
  }

  #dashboardStep({ name, body }: DesiredState['dashboard'], { dashboard, region }: Current): readonly Step[] {
    const { sdk, client } = this.#cloudwatch
    const wanted = body(region)
    if (isDeepStrictEqual(dashboard, JSON.parse(JSON.stringify(wanted)))) return []
    return [
      {
        kind: 'dashboard',
        name,
        change: dashboard === undefined ? 'create' : 'change',
        fields: [],
        run: () =>
          client.send(
            new sdk.PutDashboardCommand({ DashboardName: name, DashboardBody: JSON.stringify(wanted) }),
          ),
      },
    ]
  }
}

/** Nothing where every field that is wanted is as it is. A list that is empty may be left out by the answer. */
function stepOf(
  kind: CloudChange['kind'],
  name: string,
  current: object | undefined,
  input: () => object,
  run: () => Promise<unknown>,
): readonly Step[] {
  if (current === undefined) return [{ kind, name, change: 'create', fields: [], run }]
  const is = current as Readonly<Record<string, unknown>>
  const fields = Object.entries(input())
    .filter(
      ([field, wanted]) => !isDeepStrictEqual(is[field] ?? (Array.isArray(wanted) ? [] : undefined), wanted),
    )
    .map(([field]) => field)
  return fields.length === 0 ? [] : [{ kind, name, change: 'change', fields, run }]
}

const changesOf = (steps: readonly Step[]): readonly CloudChange[] =>
  steps.map(({ kind, name, change, fields }) => ({ kind, name, change, fields }))

/** Errors of AWS as ours: its name and status, since its words may tell accounts and roles. */
async function told<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    const name = error instanceof Error ? error.name : 'Error'
    throw new CeleriacError('AWS_FAILED', `AWS did not do what was asked: ${name}.`, {
      hint: 'Check region, credentials and --endpoint-url; docs/cloudwatch.md lists what the credentials need.',
      cause: error,
    })
  }
}
