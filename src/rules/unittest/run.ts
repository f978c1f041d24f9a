import {
  CeleriacError,
  compareText,
  errorText,
  formatDuration,
  Labels,
  type Sample,
} from '../../base/index.ts'
import { evaluateInstant, formatValue, type SeriesSource, type VectorSample } from '../../promql/index.ts'
import type { RuleGroup } from '../contract.ts'
import { createRules, type Rules } from '../engine.ts'
import { parseRuleFile } from '../rule-file.ts'
import { parseLabels, parseValues } from './series.ts'
import { parseTestFile, type TestGroup } from './test-file.ts'

/** The part of a store that a test needs; structurally `store`'s head. */
export interface RuleTestStore extends SeriesSource {
  appendCycle(producer: string, atMs: number, samples: Iterable<Sample>): void
}

export interface RuleTestOptions {
  /** Named in failures. */
  readonly file: string
  /** The text of a rule file as `rule_files` names it. Throws when there is none. */
  readonly loadRuleFile: (name: string) => string
  /** An empty store that keeps everything. */
  readonly newStore: () => RuleTestStore
}

export interface RuleTestResult {
  readonly ok: boolean
  /** One text a difference: what was expected, what came. */
  readonly failures: readonly string[]
  /** How many expectations were looked at. */
  readonly expectations: number
}

/**
 * Runs rule unit tests in promtool's format (`promtool test rules`) with the engine that evaluates rules in production. Time
 * starts at 0; every group is evaluated at each multiple of `evaluation_interval`. Throws RULES_INVALID for a wrong file.
 */
export async function runRuleTests(text: string, options: RuleTestOptions): Promise<RuleTestResult> {
  const file = parseTestFile(text, options.file)
  const groups = ordered(
    file.ruleFiles.flatMap(name => [...parseRuleFile(options.loadRuleFile(name), name, file.evaluationMs)]),
    file.groupOrder,
  )
  const failures: string[] = []
  let expectations = 0
  for (const [index, test] of file.tests.entries()) {
    const found = await judged(() => runTest(test, groups, file.evaluationMs, options))
    expectations += (test.alert_rule_test?.length ?? 0) + (test.promql_expr_test?.length ?? 0)
    failures.push(...found.map(failure => `${test.name || `test ${index + 1}`}: ${failure}`))
  }
  return { ok: failures.length === 0, failures, expectations }
}

/** What cannot be read in one test (a series, its values) fails that test; the others are still run. */
async function judged(run: () => Promise<readonly string[]>): Promise<readonly string[]> {
  try {
    return await run()
  } catch (error) {
    if (error instanceof CeleriacError) return [error.line]
    throw error
  }
}

function ordered(groups: readonly RuleGroup[], order: readonly string[]): readonly RuleGroup[] {
  const unknown = order.find(name => !groups.some(group => group.name === name))
  if (unknown !== undefined)
    throw new CeleriacError(
      'RULES_INVALID',
      `group_eval_order names ${JSON.stringify(unknown)}, which is no group`,
    )
  const rank = (group: RuleGroup): number =>
    order.includes(group.name) ? order.indexOf(group.name) : order.length
  return [...groups].sort((a, b) => rank(a) - rank(b))
}

/** A test of a year at one evaluation a second would never end. */
const MAX_EVALUATIONS = 1_000_000

/** Evaluates in order; after each evaluation the expectations that fall before the next one are looked at. */
async function runTest(
  test: TestGroup,
  groups: readonly RuleGroup[],
  evaluationMs: number,
  options: RuleTestOptions,
): Promise<readonly string[]> {
  const store = options.newStore()
  const vector = (expr: string, atMs: number): readonly VectorSample[] => {
    const { result } = evaluateInstant(expr, atMs, store)
    if (result.type === 'vector') return result.samples
    if (result.type === 'scalar') return [{ labels: Labels.EMPTY, value: result.value }]
    throw new CeleriacError('QUERY_INVALID', `${expr}: expected an instant vector or a scalar`)
  }
  const rules = createRules({
    groups,
    query: vector,
    write: (producer, atMs, samples) => store.appendCycle(producer, atMs, samples),
    externalLabels: Labels.from(test.external_labels ?? {}),
    externalURL: test.external_url ?? '',
  })
  const alertTests = [...(test.alert_rule_test ?? [])].sort((a, b) => a.eval_time - b.eval_time)
  const exprTests = test.promql_expr_test ?? []
  const endMs = Math.max(
    0,
    ...alertTests.map(each => each.eval_time),
    ...exprTests.map(each => each.eval_time),
  )
  if (endMs / evaluationMs > MAX_EVALUATIONS)
    return [`asks for more than ${MAX_EVALUATIONS} evaluations; use a longer evaluation_interval`]
  const input = createInput(test, test.interval || evaluationMs, store)
  const failures: string[] = []
  for (let atMs = 0; atMs <= endMs; atMs += evaluationMs) {
    // What comes later is not seen yet, not even with a negative offset.
    input.loadTill(atMs)
    const broken: string[] = []
    for (const group of groups) {
      await rules.evaluate(group, atMs)
      broken.push(...brokenRules(rules, group, atMs))
    }
    if (broken.length > 0) return [...failures, ...broken]
    for (const expected of alertTests.filter(
      each => each.eval_time >= atMs && each.eval_time < atMs + evaluationMs,
    )) {
      failures.push(...checkAlerts(rules, expected))
    }
  }
  for (const expected of exprTests) failures.push(...checkExpr(vector, expected))
  return failures
}

/** The input series of a test, given to the store as its time comes. */
function createInput(
  test: TestGroup,
  intervalMs: number,
  store: RuleTestStore,
): { loadTill(atMs: number): void } {
  const series = (test.input_series ?? []).map(input => ({
    labels: parseLabels(input.series),
    values: parseValues(input.values),
  }))
  let step = 0
  return {
    loadTill(atMs) {
      for (; step * intervalMs <= atMs; step++) {
        for (const [index, { labels, values }] of series.entries()) {
          const value = values[step]
          // A cycle without the series marks it stale, which is what `stale` says; nothing is no cycle at all.
          if (value !== undefined && value !== 'missing')
            store.appendCycle(
              `input/${index}`,
              step * intervalMs,
              value === 'stale' ? [] : [{ labels, value }],
            )
        }
      }
    },
  }
}

const brokenRules = (rules: Rules, group: RuleGroup, atMs: number): readonly string[] =>
  (rules.status().find(status => status.group === group)?.rules ?? [])
    .filter(({ health }) => health === 'err')
    .map(
      ({ rule, lastError }) =>
        `${rule.kind === 'alert' ? rule.alert : rule.record} failed at ${formatDuration(atMs)}: ${lastError ?? ''}`,
    )

const texts = (record: Readonly<Record<string, string>>): string =>
  `{${Object.entries(record)
    .sort(([a], [b]) => compareText(a, b))
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(', ')}}`

const difference = (expected: readonly string[], got: readonly string[]): readonly string[] => {
  const want = [...expected].sort(compareText)
  const have = [...got].sort(compareText)
  return want.join('\n') === have.join('\n')
    ? []
    : [
        `\n  expected: ${want.join('\n            ') || 'nothing'}\n  got:      ${have.join('\n            ') || 'nothing'}`,
      ]
}

function checkAlerts(
  rules: Rules,
  expected: NonNullable<TestGroup['alert_rule_test']>[number],
): readonly string[] {
  const got = rules
    .activeAlerts()
    .filter(alert => alert.state === 'firing' && alert.rule.alert === expected.alertname)
    .map(alert => `${alert.labels.toString()} ${texts(alert.annotations)}`)
  const want = (expected.exp_alerts ?? []).map(
    ({ exp_labels: labels, exp_annotations: annotations }) =>
      `${Labels.from({ ...labels, alertname: expected.alertname }).toString()} ${texts(annotations ?? {})}`,
  )
  return difference(want, got).map(
    text => `${expected.alertname} at ${formatDuration(expected.eval_time)}:${text}`,
  )
}

/** Sums over several series depend on their order in the last digit, so values are compared to that. */
const same = (a: number, b: number): boolean =>
  Object.is(a, b) || a === b || Math.abs(a - b) <= 1e-12 * Math.max(Math.abs(a), Math.abs(b))

function checkExpr(
  vector: (expr: string, atMs: number) => readonly VectorSample[],
  expected: NonNullable<TestGroup['promql_expr_test']>[number],
): readonly string[] {
  const at = `${expected.expr} at ${formatDuration(expected.eval_time)}`
  try {
    const got = [...vector(expected.expr, expected.eval_time)]
    const want = (expected.exp_samples ?? []).map(({ labels, value }) => ({
      labels: parseLabels(labels),
      value,
    }))
    // A value that is the same but for its last digit is shown as the expected one, so that only real differences remain.
    const shown = got.map(({ labels, value }) => {
      const twin = want.find(each => each.labels.equals(labels) && same(each.value, value))
      return `${labels.toString()} ${formatValue(twin?.value ?? value)}`
    })
    return difference(
      want.map(({ labels, value }) => `${labels.toString()} ${formatValue(value)}`),
      shown,
    ).map(text => `${at}:${text}`)
  } catch (error) {
    return [`${at}: ${errorText(error)}`]
  }
}
