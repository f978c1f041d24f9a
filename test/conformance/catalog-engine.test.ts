/**
 * The cases of the catalog, as they are emitted for promtool, in our own engine: what promtool says of a rule, Celeriac says too,
 * though promtool's windows are closed on the left as Prometheus 2 has them, and ours open as Prometheus 3 has them.
 */
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { alerts } from '../../src/catalog/index.ts'
import { playOurs, runFile } from './catalog-engine.ts'
import { type Case, emitted, readRules, readTests, type Rule } from './catalog-promtool.ts'

const files = emitted()
const TEST_FILES = ['celery.rules.test.yml', 'celeriac-meta.rules.test.yml']
const cases = TEST_FILES.flatMap(path => readTests(files[path] ?? '').tests).filter(
  ({ alert_rule_test: [first] = [] }) => alerts.some(({ name }) => name === first?.alertname),
)
const isFiring = ({ alert_rule_test: [first] = [] }: Case): boolean => (first?.exp_alerts ?? []).length > 0

test.each(TEST_FILES)('every case of %s passes', { timeout: 300_000 }, async path => {
  const { failures, expectations } = await runFile(files[path] ?? '', files)
  expect(failures).toEqual([])
  expect(expectations).toBeGreaterThanOrEqual(readTests(files[path] ?? '').tests.length)
})

test.each([
  ['never fires', true, (rule: Rule) => ({ ...rule, expr: 'vector(0) > 1' })],
  ['always fires', false, (rule: Rule) => ({ ...rule, for: '0s', expr: 'vector(1)' })],
])('a rule that %s fails each of its cases', { timeout: 300_000 }, async (_, firing, change) => {
  const mutant = {
    groups: ['celery-alerts.rules.yml', 'celeriac-meta.rules.yml']
      .flatMap(path => readRules(files[path] ?? '').groups)
      .map(group => ({ ...group, rules: group.rules.map(change) })),
  }
  const played = cases.filter(found => isFiring(found) === firing)
  const { failures } = await playOurs(
    {
      'recording.yml': files['celery-recording.rules.yml'] ?? '',
      'alerts.yml': stringify(mutant, { aliasDuplicateObjects: false }),
    },
    played,
  )
  const passed = played.filter(({ name }) => !failures.some(failure => failure.startsWith(`${name}: `)))
  expect(passed).toEqual([])
  expect(played.length).toBeGreaterThanOrEqual(alerts.length)
})
