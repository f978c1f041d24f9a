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
const cases = readTests(files['celery.rules.test.yml'] ?? '').tests
const isFiring = ({ alert_rule_test: [first] = [] }: Case): boolean => (first?.exp_alerts ?? []).length > 0

test.each(['celery.rules.test.yml', 'celeriac-meta.rules.test.yml'])(
  'every case of %s passes',
  async path => {
    const { failures, expectations } = await runFile(files[path] ?? '', files)
    expect(failures).toEqual([])
    expect(expectations).toBeGreaterThanOrEqual(readTests(files[path] ?? '').tests.length)
  },
)

test.each([
  ['never fires', true, (rule: Rule) => ({ ...rule, expr: 'vector(0) > 1' })],
  ['always fires', false, (rule: Rule) => ({ ...rule, for: '0s', expr: 'vector(1)' })],
])('a rule that %s fails each of its cases', async (_, firing, change) => {
  const mutant = {
    groups: readRules(files['celery-alerts.rules.yml'] ?? '').groups.map(group => ({
      ...group,
      rules: group.rules.map(change),
    })),
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
