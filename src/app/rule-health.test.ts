import { expect, test } from 'vitest'
import { memoryLog, SECOND } from '../base/index.ts'
import { createMetrics } from '../metrics/index.ts'
import type { RecordingRule, RuleGroup } from '../rules/index.ts'
import { createRuleHealth } from './rule-health.ts'

const rule: RecordingRule = { kind: 'record', record: 'r', expr: '1', labels: {} }
const group = (file: string): RuleGroup => ({ name: 'g', file, intervalMs: SECOND, rules: [{ ...rule }] })

test('a failure is told when it begins, when it becomes another and when it is over, not each time', () => {
  const log = memoryLog()
  const mine = group('a.yml')
  const other = group('b.yml')
  const health = createRuleHealth([mine, other], createMetrics(), log)
  const fail = (of: RuleGroup, error?: string): void =>
    health.evaluated(of, {
      failures: error === undefined ? [] : of.rules.map(each => ({ rule: each, error })),
    })
  fail(mine)
  fail(mine, 'exceeded limit of 1 with 2 series')
  fail(other)
  fail(mine, 'exceeded limit of 1 with 3 series')
  fail(other)
  fail(mine, 'timed out')
  fail(mine)
  fail(mine)
  expect(log.lines.map(({ level, fields }) => [level, ...Object.values(fields)])).toEqual([
    ['warn', 'a.yml', 'g', 'r', 'exceeded limit of 1 with 2 series'],
    ['warn', 'a.yml', 'g', 'r', 'timed out'],
    ['info', 'a.yml', 'g', 'r'],
  ])
})
