import { CeleriacError, errorText, Labels, type Sample } from '../base/index.ts'
import type { VectorSample } from '../promql/index.ts'
import { AlertingRuleState, type RuleContext } from './alerting.ts'
import {
  type ActiveAlert,
  type GroupEvaluation,
  type GroupStatus,
  type QueryPort,
  type RecordingRule,
  type Rule,
  type RuleGroup,
  ruleGroupId,
  type RuleStatus,
  type SightPort,
} from './contract.ts'
import { createReach } from './reach.ts'

/**
 * Takes what one rule wrote, before the next rule of its group is evaluated. `producer` names the rule for its whole life: a
 * series that it wrote last time and not now is to be marked stale. Not called for a rule that failed, so its series stay.
 */
export type WritePort = (producer: string, atMs: number, samples: readonly Sample[]) => void

export interface RulesOptions {
  readonly groups: readonly RuleGroup[]
  readonly query: QueryPort
  readonly write: WritePort
  /** Without it everything is always seen. */
  readonly seenSince?: SightPort
  readonly externalLabels?: Labels
  readonly externalURL?: string
  /** Milliseconds of any clock that runs steadily, for the durations of evaluations; without it they are told as 0. */
  readonly stopwatchMs?: () => number
}

/** Rule groups and the state of their alerts. Decides nothing about time: whoever schedules says when. */
export interface Rules {
  readonly groups: readonly RuleGroup[]
  /** Evaluates one group at one time, rule after rule. A rule that fails is marked so and the rest goes on. Throws RULES_INVALID for an unknown group. */
  evaluate(group: RuleGroup, atMs: number): Promise<GroupEvaluation>
  status(): readonly GroupStatus[]
  /** Pending and firing alerts of all groups. */
  activeAlerts(): readonly ActiveAlert[]
}

interface RuleEntry {
  readonly rule: Rule
  readonly producer: string
  readonly alerting: AlertingRuleState | undefined
  health: RuleStatus['health']
  lastError: string | undefined
  evaluationMs: number
  lastEvaluationMs: number | undefined
}

interface GroupEntry {
  readonly group: RuleGroup
  readonly rules: readonly RuleEntry[]
  lastEvaluationMs: number | undefined
  evaluationMs: number
}

/** Makes the state of all groups. Throws RULES_INVALID when two groups of one file share a name. */
export function createRules(options: RulesOptions): Rules {
  const { query, write } = options
  const stopwatchMs = options.stopwatchMs ?? (() => 0)
  const entries = new Map<RuleGroup, GroupEntry>()
  const names = new Set<string>()
  const reachMs = createReach(options.groups)
  for (const group of options.groups) {
    const name = ruleGroupId(group)
    if (names.has(name))
      throw new CeleriacError(
        'RULES_INVALID',
        `${group.file}: two groups are named ${JSON.stringify(group.name)}.`,
      )
    names.add(name)
    const context: RuleContext = {
      group,
      query,
      seenSince: options.seenSince ?? (() => Number.NEGATIVE_INFINITY),
      reachMs,
      externalLabels: options.externalLabels ?? Labels.EMPTY,
      externalURL: options.externalURL ?? '',
    }
    entries.set(group, {
      group,
      rules: group.rules.map((rule, i) => ({
        rule,
        producer: `rules/${name}/${i}`,
        alerting: rule.kind === 'alert' ? new AlertingRuleState(rule, context) : undefined,
        health: 'unknown',
        lastError: undefined,
        evaluationMs: 0,
        lastEvaluationMs: undefined,
      })),
      lastEvaluationMs: undefined,
      evaluationMs: 0,
    })
  }

  async function evaluateRule(entry: RuleEntry, group: RuleGroup, atMs: number): Promise<readonly Sample[]> {
    const started = stopwatchMs()
    // Data that arrives late is waited for: query and samples lie in the past, `for` is counted on the present.
    const sampleMs = atMs - (group.queryOffsetMs ?? 0)
    try {
      const vector = await query(entry.rule.expr, sampleMs)
      const samples =
        entry.rule.kind === 'record'
          ? recordedSamples(entry.rule, group, vector)
          : await alertSamples(entry, vector, atMs, sampleMs)
      write(entry.producer, sampleMs, samples)
      entry.health = 'ok'
      entry.lastError = undefined
      return samples
    } catch (error) {
      entry.health = 'err'
      entry.lastError = errorText(error)
      return []
    } finally {
      entry.evaluationMs = stopwatchMs() - started
      entry.lastEvaluationMs = atMs
    }
  }

  const alertsOf = (group: GroupEntry): readonly ActiveAlert[] =>
    group.rules.flatMap(({ alerting }) => alerting?.all() ?? [])

  return {
    groups: options.groups,
    async evaluate(group, atMs) {
      const entry = entries.get(group)
      if (entry === undefined)
        throw new CeleriacError('RULES_INVALID', `There is no rule group ${JSON.stringify(group.name)}.`)
      const started = stopwatchMs()
      const samples: Sample[] = []
      for (const rule of entry.rules) samples.push(...(await evaluateRule(rule, group, atMs)))
      entry.lastEvaluationMs = atMs
      entry.evaluationMs = stopwatchMs() - started
      return {
        atMs,
        samples,
        alerts: alertsOf(entry).filter(({ state }) => state !== 'pending'),
        failures: entry.rules.flatMap(({ rule, lastError }) =>
          lastError === undefined ? [] : [{ rule, error: lastError }],
        ),
      }
    },
    status: () =>
      [...entries.values()].map(entry => ({
        group: entry.group,
        lastEvaluationMs: entry.lastEvaluationMs,
        evaluationSeconds: entry.evaluationMs / 1000,
        rules: entry.rules.map(({ rule, health, lastError, evaluationMs, lastEvaluationMs, alerting }) => ({
          rule,
          health,
          lastError,
          evaluationSeconds: evaluationMs / 1000,
          lastEvaluationMs,
          alerts: alerting?.active() ?? [],
        })),
      })),
    activeAlerts: () => [...entries.values()].flatMap(alertsOf).filter(({ state }) => state !== 'inactive'),
  }
}

async function alertSamples(
  entry: RuleEntry,
  vector: readonly VectorSample[],
  atMs: number,
  sampleMs: number,
): Promise<readonly Sample[]> {
  if (entry.alerting === undefined) return []
  await entry.alerting.evaluate(vector, atMs, sampleMs)
  return entry.alerting.samples()
}

/** The result under the rule's name, its labels over the sample's (an empty one removes), the group's below both. */
function recordedSamples(
  rule: RecordingRule,
  group: RuleGroup,
  vector: readonly VectorSample[],
): readonly Sample[] {
  if (group.limit !== undefined && group.limit > 0 && vector.length > group.limit) {
    throw new Error(`exceeded limit of ${group.limit} with ${vector.length} series`)
  }
  const own = Object.entries({ ...group.labels, ...rule.labels })
  const seen = new Set<string>()
  return vector.map(({ labels, value }) => {
    const named = Labels.fromEntries([...labels, ...own, ['__name__', rule.record]])
    if (seen.has(named.key))
      throw new Error('vector contains metrics with the same labelset after applying rule labels')
    seen.add(named.key)
    return { labels: named, value }
  })
}
