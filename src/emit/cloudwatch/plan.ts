/** What there should be in CloudWatch and SNS: topics, alarms, composite alarms and a dashboard, from the catalog and the config. */
import {
  type Alert,
  CLOUDWATCH_INTERVAL_SECONDS,
  type CloudWatchAlarm,
  type ConfiguredAlert,
  dimensionName,
  inhibitedBy,
  inWords,
  type LimitNumbers,
  type LimitScope,
  type PublishedMetric,
  publishedMetrics,
  runbookUrl,
  type Severity,
} from '../../catalog/index.ts'
import type { EmitSettings } from '../settings.ts'
import { type DashboardBody, dashboardBody } from './dashboard.ts'

export interface Dimension {
  readonly name: string
  readonly value: string
}

export interface PlannedTopic {
  /** The name of its resource in the template. */
  readonly id: string
  readonly name: string
  readonly severity: Severity
}

export interface PlannedAlarm {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly severity: Severity
  readonly namespace: string
  readonly metric: string
  readonly dimensions: readonly Dimension[]
  readonly statistic: CloudWatchAlarm['statistic']
  readonly periodSeconds: number
  readonly evaluationPeriods: number
  readonly datapointsToAlarm: number
  readonly threshold: number
  readonly comparison: 'GreaterThanThreshold' | 'LessThanThreshold'
  readonly treatMissingData: CloudWatchAlarm['treatMissingData']
  /** False for an alarm whose composite tells in its place. */
  readonly tells: boolean
}

/** An alarm over alarms: in ALARM while one of them is. */
export interface PlannedComposite {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly severity: Severity
  readonly of: readonly { readonly id: string; readonly name: string }[]
  /** Tells in the place of its alarm, except while `suppressor` is in ALARM: one fault is told once (guide-flaw 7). */
  readonly telling?: {
    readonly suppressor: { readonly id: string; readonly name: string }
    /** How long its actions wait for the suppressor to go off. */
    readonly waitSeconds: number
    /** How long they stay silent after it ended. */
    readonly extensionSeconds: number
  }
}

export interface CloudWatchPlan {
  readonly namespace: string
  readonly topics: readonly PlannedTopic[]
  readonly alarms: readonly PlannedAlarm[]
  readonly composites: readonly PlannedComposite[]
  readonly dashboard: { readonly name: string; readonly body: (region: string) => DashboardBody }
  readonly published: readonly PublishedMetric[]
}

/** What all that is ours is called in CloudWatch begins with this. */
export const CLOUDWATCH_PREFIX = 'celeriac'

/** A suppressor needs a few minutes more than an alarm that goes off with it. */
const SUPPRESSOR_WAIT_SECONDS = 180
const SUPPRESSOR_EXTENSION_SECONDS = 120

const SEVERITIES: readonly Severity[] = ['critical', 'warning', 'info']

type Settings = Pick<EmitSettings, 'alerts' | 'externalUrl' | 'program' | 'cloudwatchNamespace'>

/** The plan of the settings; the same settings give the same plan. */
export function cloudWatchPlan(settings: Settings): CloudWatchPlan {
  const { alerts, cloudwatchNamespace: namespace } = settings
  const published = publishedMetrics(alerts)
  const brokers = brokerNames(settings)
  const on = alerts.filter(({ enabled, alert }) => enabled && alert.cloudwatch !== null)
  const ids = new Ids()
  const alarms: PlannedAlarm[] = []
  const composites: PlannedComposite[] = []
  for (const broker of brokers) {
    const ofBroker = on.flatMap(configured => {
      const sources = suppressorsOf(configured, on)
      return alarmsOf(configured, broker, namespace, settings.externalUrl).map(alarm => ({
        alarm: { ...alarm, id: ids.take(alarm.name), tells: sources.length === 0 },
        configured,
        sources,
      }))
    })
    alarms.push(...ofBroker.map(({ alarm }) => alarm))
    const muters = new Map<string, PlannedComposite>()
    /** The alarm of the one source, or one that is on while any of several is. It is planned before those that name it. */
    const suppressorFor = (
      sources: readonly ConfiguredAlert[],
    ): PlannedAlarm | PlannedComposite | undefined => {
      const of = ofBroker.flatMap(({ alarm, configured }) => (sources.includes(configured) ? [alarm] : []))
      if (of.length < 2) return of[0]
      const key = of.map(({ id }) => id).join(' ')
      const known = muters.get(key)
      if (known !== undefined) return known
      const name = [CLOUDWATCH_PREFIX, 'mute', String(muters.size + 1), broker].map(named).join('-')
      const muter: PlannedComposite = {
        id: ids.take(name),
        name,
        description: `On while one of ${of.map(each => each.name).join(', ')} is: mutes what follows from them, and tells nobody.`,
        severity: 'critical',
        of,
      }
      muters.set(key, muter)
      composites.push(muter)
      return muter
    }
    for (const { alarm, sources } of ofBroker) {
      const suppressor = suppressorFor(sources)
      if (suppressor === undefined) continue
      const name = `${alarm.name}-told`
      composites.push({
        id: ids.take(name),
        name,
        description: `Tells of ${alarm.name}, except while ${suppressor.name} is on. ${alarm.description}`,
        severity: alarm.severity,
        of: [alarm],
        telling: {
          suppressor,
          waitSeconds: SUPPRESSOR_WAIT_SECONDS,
          extensionSeconds: SUPPRESSOR_EXTENSION_SECONDS,
        },
      })
    }
  }
  return {
    namespace,
    topics: SEVERITIES.filter(severity => alarms.some(each => each.severity === severity)).map(severity => ({
      id: ids.take(`${severity}-topic`),
      name: `${CLOUDWATCH_PREFIX}-${severity}`,
      severity,
    })),
    alarms,
    composites,
    dashboard: {
      name: CLOUDWATCH_PREFIX,
      body: region => dashboardBody({ namespace, published, brokers, alerts: on, region }),
    },
    published,
  }
}

function brokerNames({ program }: Settings): readonly string[] {
  const brokers = program['brokers']
  const names = Array.isArray(brokers)
    ? brokers.flatMap((each: unknown) =>
        typeof each === 'object' && each !== null && 'name' in each && typeof each.name === 'string'
          ? [each.name]
          : [],
      )
    : []
  return names.length > 0 ? names : ['default']
}

/** The alerts on in CloudWatch that mute an alert whatever else they say. */
const suppressorsOf = (
  { alert }: ConfiguredAlert,
  on: readonly ConfiguredAlert[],
): readonly ConfiguredAlert[] =>
  on.filter(each =>
    inhibitedBy(alert.name).some(
      ({ source, where }) => source === each.alert.name && Object.keys(where).length === 0,
    ),
  )

/** One alarm for a broker, which watches the worst of its series, and one for each queue and task with a limit of its own. */
function alarmsOf(
  configured: ConfiguredAlert,
  broker: string,
  namespace: string,
  externalUrl: string,
): readonly Omit<PlannedAlarm, 'id' | 'tells'>[] {
  const { alert, queues, tasks } = configured
  const form = alert.cloudwatch
  if (form === null) return []
  const over = alert.threshold.direction === 'over'
  const one = (
    { severity, forMs, threshold }: LimitNumbers,
    own?: { readonly scope: LimitScope; readonly name: string },
  ): Omit<PlannedAlarm, 'id' | 'tells'> => ({
    name: [CLOUDWATCH_PREFIX, alert.slug, broker, ...(own === undefined ? [] : [own.scope, own.name])]
      .map(named)
      .join('-'),
    description: [
      `${alert.runbook.title}: ${form.statistic} of ${form.metric} of broker ${broker}${own === undefined ? '' : `, ${own.scope} ${own.name},`} ${over ? 'over' : 'under'} ${inWords(threshold, alert.threshold.unit)}.`,
      ...(form.treatMissingData === 'breaching' ? ['Also when nothing is published any more.'] : []),
      `Runbook: ${runbookUrl(externalUrl, alert.slug)}`,
    ].join(' '),
    severity,
    namespace,
    metric: form.metric,
    dimensions: [
      { name: dimensionName('broker'), value: broker },
      ...(own === undefined ? [] : [{ name: dimensionName(own.scope), value: own.name }]),
    ],
    statistic: form.statistic,
    periodSeconds: Math.max(form.periodSeconds, CLOUDWATCH_INTERVAL_SECONDS),
    ...periodsOf(alert, form, forMs),
    threshold,
    comparison: over ? 'GreaterThanThreshold' : 'LessThanThreshold',
    treatMissingData: form.treatMissingData,
  })
  const own = (scope: LimitScope, limits: typeof queues): readonly Omit<PlannedAlarm, 'id' | 'tells'>[] =>
    Object.entries(limits).flatMap(([name, numbers]) =>
      numbers === null ? [] : [one(numbers, { scope, name })],
    )
  return [one(configured), ...own('queue', queues), ...own('task', tasks)]
}

/** The catalog's periods say what its `for` says. Another `for` needs as many periods as it lasts, all of them. */
function periodsOf(
  alert: Alert,
  form: CloudWatchAlarm,
  forMs: number,
): Pick<PlannedAlarm, 'evaluationPeriods' | 'datapointsToAlarm'> {
  const needed = Math.max(1, Math.ceil(forMs / 1000 / form.periodSeconds))
  return forMs === alert.forMs
    ? { evaluationPeriods: form.evaluationPeriods, datapointsToAlarm: form.datapointsToAlarm }
    : { evaluationPeriods: needed, datapointsToAlarm: needed }
}

/** Fit for a name of an alarm, in templates and in the rules of composite alarms. */
const named = (text: string): string => text.replace(/[^A-Za-z0-9._-]+/g, '-')

/** Logical ids of a template are letters and digits; those that would be one are numbered. */
class Ids {
  readonly #taken = new Set<string>()

  take(name: string): string {
    const plain = name
      .split(/[^A-Za-z0-9]+/)
      .map(word => word.charAt(0).toUpperCase() + word.slice(1))
      .join('')
    let id = plain
    for (let i = 2; this.#taken.has(id); i++) id = `${plain}${i}`
    this.#taken.add(id)
    return id
  }
}
