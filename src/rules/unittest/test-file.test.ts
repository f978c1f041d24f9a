import { expect, test } from 'vitest'
import { MINUTE, SECOND } from '../../base/index.ts'
import { parseTestFile } from './test-file.ts'

test('a file becomes tests, with durations in ms and texts as they are written', () => {
  const file = parseTestFile(
    `
rule_files: [a.yml]
evaluation_interval: 30s
group_eval_order: [g]
tests:
  - name: one
    interval: 5s
    external_labels: {replica: 1}
    input_series: [{series: up, values: 1}]
    alert_rule_test: [{eval_time: 1m, alertname: A, exp_alerts: [{exp_labels: {code: 007}, exp_annotations: {on: yes}}]}]
    promql_expr_test:
      - {expr: 1, eval_time: 0, exp_samples: [{labels: x, value: 1e3}, {value: .inf}, {value: -Inf}, {value: NaN}, {}]}
`,
    'f.yml',
  )
  expect(file).toMatchObject({ ruleFiles: ['a.yml'], evaluationMs: 30 * SECOND, groupOrder: ['g'] })
  expect(file.tests).toMatchObject([
    {
      name: 'one',
      interval: 5 * SECOND,
      external_labels: { replica: '1' },
      input_series: [{ series: 'up', values: '1' }],
      alert_rule_test: [
        {
          eval_time: MINUTE,
          alertname: 'A',
          exp_alerts: [{ exp_labels: { code: '007' }, exp_annotations: { on: 'yes' } }],
        },
      ],
      promql_expr_test: [
        {
          expr: '1',
          eval_time: 0,
          exp_samples: [1000, Infinity, -Infinity, NaN, 0].map(value => ({ value })),
        },
      ],
    },
  ])
})

test('what is left out has its default, and an interval of 0 is none', () => {
  const empty = { ruleFiles: [], evaluationMs: MINUTE, groupOrder: [], tests: [] }
  for (const text of ['', 'tests:\n', 'evaluation_interval: 0s\nrule_files:\n'])
    expect(parseTestFile(text, 'f.yml')).toEqual(empty)
})

test.each([
  ['tests:\n  - intervall: 1m\n', /^f\.yml:2: tests\.0: .*intervall/],
  [
    'tests:\n  - interval: soon\n',
    /^f\.yml:2: tests\.0\.interval: expected a duration such as 5m, got "soon"/,
  ],
  [
    'tests:\n  - alert_rule_test:\n    - eval_time: 1m\n',
    /^f\.yml:3: tests\.0\.alert_rule_test\.0\.alertname/,
  ],
  [
    'tests:\n  - promql_expr_test: [{expr: a, eval_time: 0, exp_samples: [{value: much}]}]\n',
    /expected a number, got "much"/,
  ],
  ['tests: {}\n', /^f\.yml:1: tests/],
  ['tests: [\n', /^f\.yml:/],
])('refused with its place: %s', (text, message) => {
  expect(() => parseTestFile(text, 'f.yml')).toThrow(message)
})
