/**
 * Celeriac about itself. Lines keep what a scrape adds (`instance`): two Celeriacs are two, also where they watch one broker.
 * Legends name it; inside Celeriac there is none.
 */
import { MINUTE } from '../../base/index.ts'
import { increase, promql, rate, secondsSince, series } from '../expr.ts'
import { metrics } from '../metrics.ts'
import type { Metric } from '../spec.ts'
import { panel, type Panel, UP } from './panel.ts'

const AT = '{{instance}}'

const gauge = <const Id extends string>(
  id: Id,
  title: string,
  subtitle: string,
  of: Metric<string, string, 'gauge'>,
  legend: string,
  more: Partial<Omit<Panel, 'id' | 'title' | 'subtitle' | 'queries'>> = {},
): Panel<Id> => ({
  id,
  title,
  subtitle,
  kind: 'chart',
  unit: of.unit,
  queries: [{ expr: series(of), legend }],
  ...more,
})

/** What a counter gained within 15 minutes. */
const gained = <const Id extends string>(
  id: Id,
  title: string,
  subtitle: string,
  of: Metric<string, string, 'counter'>,
  legend: string,
): Panel<Id> => ({
  id,
  title,
  subtitle: `${subtitle}, 15 minutes`,
  kind: 'chart',
  unit: of.unit,
  queries: [{ expr: increase(of, {}, 15 * MINUTE), legend }],
})

export const celeriacPanels = {
  selfSources: gauge(
    'self-sources',
    'Sources',
    'events, inspect, broker, host: 0 while nothing is told',
    metrics.sourceUp,
    `{{broker}} {{source}} ${AT}`,
    { words: UP },
  ),
  selfSourceAge: panel({
    id: 'self-source-age',
    title: 'Silence of each source',
    subtitle: 'since it last told something',
    kind: 'chart',
    unit: 'seconds',
    queries: [
      { expr: secondsSince(series(metrics.sourceLastSuccess)), legend: `{{broker}} {{source}} ${AT}` },
    ],
  }),
  selfVersion: panel({
    id: 'self-version',
    title: 'Version',
    subtitle: 'what runs',
    kind: 'table',
    unit: 'count',
    queries: [{ expr: series(metrics.buildInfo), legend: `{{version}} on Node {{node}} ${AT}` }],
  }),
  selfEvents: panel({
    id: 'self-events',
    title: 'Events decoded',
    subtitle: 'per second',
    kind: 'chart',
    unit: 'per_second',
    queries: [
      { expr: rate(metrics.eventsTotal), legend: `{{broker}} events ${AT}` },
      { expr: rate(metrics.eventMessages), legend: `{{broker}} messages ${AT}` },
    ],
  }),
  selfEventsSkipped: gained(
    'self-events-skipped',
    'Events not understood',
    'by reason',
    metrics.eventsSkipped,
    `{{broker}} {{reason}} ${AT}`,
  ),
  selfEventsDropped: gained(
    'self-events-dropped',
    'Messages dropped undecoded',
    'the buffer was full',
    metrics.eventsDropped,
    `{{broker}} ${AT}`,
  ),
  selfEventGaps: gained(
    'self-event-gaps',
    'Times that events could not be heard',
    'by reason',
    metrics.eventGaps,
    `{{broker}} {{reason}} ${AT}`,
  ),
  selfEventGapSeconds: gained(
    'self-event-gap-seconds',
    'Time that events could not be heard',
    'ended gaps',
    metrics.eventGapSeconds,
    `{{broker}} ${AT}`,
  ),
  selfConnects: gained(
    'self-connects',
    'Connections made to the broker',
    'more than one means reconnects',
    metrics.brokerConnects,
    `{{broker}} ${AT}`,
  ),
  selfEvictions: gained(
    'self-evictions',
    'Tasks, workers and queues forgotten',
    'a bound was reached',
    metrics.tableEvictions,
    `{{broker}} {{table}} ${AT}`,
  ),
  selfSeriesDropped: gained(
    'self-series-dropped',
    'Samples refused',
    'a metric reached its cap of series',
    metrics.seriesDropped,
    `{{metric}} ${AT}`,
  ),
  selfScrapeTargets: gauge(
    'self-scrape-targets',
    'Scrape targets',
    'where CPU and memory of workers come from',
    metrics.hostTargetUp,
    `{{target}} ${AT}`,
    { words: UP },
  ),
  selfStoreSeries: gauge(
    'self-store-series',
    'Series in the store',
    'names, labels and values apart',
    metrics.storeSeries,
    AT,
  ),
  selfStoreSamples: gauge(
    'self-store-samples',
    'Samples in the store',
    'all series together',
    metrics.storeSamples,
    AT,
  ),
  selfMemory: panel({
    id: 'self-memory',
    title: 'Memory of Celeriac',
    subtitle: 'resident, and of it the store and the fleets',
    kind: 'chart',
    unit: 'bytes',
    queries: [
      { expr: series(metrics.processRss), legend: `resident ${AT}` },
      { expr: series(metrics.storeBytes), legend: `store ${AT}` },
      { expr: series(metrics.fleetBytes), legend: `fleet {{broker}} ${AT}` },
    ],
  }),
  selfCpu: panel({
    id: 'self-cpu',
    title: 'CPU of Celeriac',
    subtitle: 'share of one core',
    kind: 'chart',
    unit: 'ratio',
    queries: [{ expr: rate(metrics.processCpu), legend: AT }],
  }),
  selfLoopLag: gauge(
    'self-loop-lag',
    'Longest block of the event loop',
    'since the last collection',
    metrics.eventLoopLag,
    AT,
    { limit: 'CeleriacLagging' },
  ),
  selfRuleDuration: gauge(
    'self-rule-duration',
    'Duration of rule groups',
    'last evaluation',
    metrics.ruleGroupDuration,
    `{{rule_group}} ${AT}`,
  ),
  selfRules: panel({
    id: 'self-rules',
    title: 'Rules evaluated',
    subtitle: 'per second, and those that failed',
    kind: 'chart',
    unit: 'per_second',
    queries: [
      { expr: rate(metrics.ruleEvaluations), legend: `{{rule_group}} evaluated ${AT}` },
      { expr: promql`${rate(metrics.ruleFailures)} > 0`, legend: `{{rule_group}} failed ${AT}` },
    ],
  }),
  selfRulesMissed: gained(
    'self-rules-missed',
    'Evaluations skipped',
    'the one before took too long',
    metrics.ruleGroupMissed,
    `{{rule_group}} ${AT}`,
  ),
  selfNotifications: gained(
    'self-notifications',
    'Notifications delivered',
    'by receiver',
    metrics.notifications,
    `{{receiver}} ({{channel}}) ${AT}`,
  ),
  selfNotificationsFailed: gained(
    'self-notifications-failed',
    'Attempts to notify that failed',
    'by reason',
    metrics.notificationsFailed,
    `{{receiver}} ({{channel}}) {{reason}} ${AT}`,
  ),
} as const
