import { expect, test } from 'vitest'
import { lint, type LintFile } from './index.ts'

const said = (...files: readonly LintFile[]): readonly string[] =>
  lint(files).findings.map(({ file, line, column, rule }) => `${file}:${line}:${column} ${rule}`)

const RULE = (expr: string): string => `groups: [{name: g, rules: [{alert: A, expr: '${expr}'}]}]`

test('a rule file in a ConfigMap in a page is told at the line of the page', () => {
  const text = `# Page

\`\`\`yaml
apiVersion: v1
kind: ConfigMap
metadata: { name: rules }
data:
  celery.rules.yml: |
    groups:
      - name: g
        rules:
          - alert: A
            expr: >-
              sum by (queue)
              (rate(celery_queue_depth[5m])) > 0
\`\`\`
`
  expect(said({ path: 'page.md', text })).toEqual(['page.md:15:16 rate-on-gauge'])
})

test('what the files declare counts for more than what is known elsewhere', () => {
  const rules = { path: 'r.yml', text: RULE('rate(celery_queue_depth[5m]) > 0') }
  expect(said(rules)).toEqual(['r.yml:1:46 rate-on-gauge'])
  expect(
    said(rules, {
      path: 'e.prom',
      text: '# TYPE celery_queue_depth counter\ncelery_queue_depth{queue="a"} 1\n',
    }),
  ).toEqual([])
})

test('a recorded series is looked through', () => {
  const text = `groups:
  - name: g
    rules:
      - record: a:share:ratio
        expr: sum(rate(celery_task_failed_total[5m])) / sum(rate(celery_task_received_total[5m]))
      - alert: A
        expr: a:share:ratio > 0.1
`
  expect(said({ path: 'r.yml', text })).toEqual(['r.yml:7:15 ratio-without-traffic'])
})

test('aliases, merge keys and several documents are read', () => {
  const text = `base: &base { expr: 'rate(redis_up[5m]) > 0' }
groups:
  - name: g
    rules:
      - alert: A
        <<: *base
---
${RULE('rate(redis_up[1m]) > 0')}
`
  expect(said({ path: 'r.yml', text })).toEqual(['r.yml:1:22 rate-on-gauge', 'r.yml:8:46 rate-on-gauge'])
})

test('log queries, templates and what our PromQL does not take are left alone', () => {
  expect(said({ path: 'loki.yml', text: RULE('sum(rate({app="a"} |= "error" [5m])) > 1') })).toEqual([])
  expect(
    said({
      path: 'chart.yml',
      text: 'groups:\n{{- range .Values.groups }}\n  - name: {{ . }}\n{{- end }}\n',
    }),
  ).toEqual([])
  expect(said({ path: 'new.yml', text: RULE('limitk(1, up) == 0') })).toEqual([])
  expect(said({ path: 'bad.yml', text: RULE('sum(up') })).toEqual(['bad.yml:1:52 promql-syntax'])
})

test("variables of Grafana stand for something that parses, at the query's own columns", () => {
  const text = JSON.stringify({
    uid: 'a',
    title: 'A',
    schemaVersion: 39,
    panels: [
      {
        type: 'timeseries',
        title: 'P',
        gridPos: {},
        datasource: {},
        fieldConfig: { defaults: { unit: 'short' } },
        targets: [
          { refId: 'A', expr: 'topk($n, rate(celery_queue_length{queue_name=~"$queue"}[$__rate_interval]))' },
        ],
      },
    ],
  })
  const [finding] = lint([{ path: 'd.json', text }]).findings
  expect(finding?.rule).toBe('rate-on-gauge')
  expect(text.slice((finding?.column ?? 0) - 1, (finding?.endColumn ?? 0) - 1)).toBe(
    String.raw`rate(celery_queue_length{queue_name=~\"$queue\"}[$__rate_interval])`,
  )
})

test('CloudFormation is read with its tags, in YAML and in JSON', () => {
  const yaml = `Resources:
  Deep:
    Type: AWS::CloudWatch::Alarm
    Properties:
      AlarmName: !Sub '\${AWS::StackName}-deep'
      Namespace: Celery
      MetricName: QueueDepth
      Dimensions: [{ Name: Queue, Value: !Ref Queue }]
      AlarmActions: [!Ref Topic, !Ref Nowhere]
      OKActions: [!Ref Topic]
  Topic: { Type: AWS::SNS::Topic }
`
  expect(said({ path: 't.yaml', text: yaml })).toEqual([
    't.yaml:2:3 alarm-missing-data',
    't.yaml:9:39 topic-not-created',
  ])
  const json = JSON.stringify({
    Resources: {
      Deep: {
        Type: 'AWS::CloudWatch::Alarm',
        Properties: { MetricName: 'QueueDepth', TreatMissingData: 'ignore' },
      },
    },
  })
  expect(said({ path: 't.json', text: json })).toEqual([])
})

test('a file that is none of ours is passed over', () => {
  expect(
    said(
      { path: 'a.yml', text: 'version: 3\nservices: {}\n' },
      { path: 'b.json', text: '[1, 2]' },
      { path: 'c.txt', text: '{' },
    ),
  ).toEqual([])
})

test('a page of metrics tells types, labels and buckets, in both formats', () => {
  const page = `# TYPE report_seconds histogram
report_seconds_bucket{task="a",le="1"} 1
report_seconds_bucket{task="a",le="+Inf"} 1
report_seconds_sum{task="a"} 1
# TYPE reports counter
reports_total{kind="x"} 1
`
  const rules = `groups:
  - name: g
    rules:
      - alert: A
        expr: histogram_quantile(0.9, sum by (le) (rate(report_seconds_bucket[5m]))) > 5
      - alert: B
        expr: rate(reports_total[5m]) / rate(report_seconds_count[5m]) > 1
`
  expect(said({ path: 'a.prom', text: page }, { path: 'r.yml', text: rules })).toEqual([
    'r.yml:5:15 threshold-outside-buckets',
    'r.yml:7:15 label-mismatch',
  ])
})

test('aliases of aliases, aliases of themselves and endless nesting cost nothing', () => {
  const bomb = [
    'a0: &a0 [x, x]',
    ...Array.from({ length: 40 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`),
  ].join('\n')
  expect(said({ path: 'bomb.yml', text: `${bomb}\n` })).toEqual([])
  expect(said({ path: 'loop.yml', text: 'groups: &g\n  - rules: *g\n  - *g\n' })).toEqual([])
  expect(said({ path: 'deep.yml', text: '['.repeat(100_000) })).toEqual([
    expect.stringMatching(/^deep\.yml:1:\d+ yaml-syntax$/),
  ])
})
