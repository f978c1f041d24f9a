import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { CeleriacError, MINUTE, SECOND } from '../base/index.ts'
import { parseRuleFile } from './index.ts'

const folder = mkdtempSync(join(tmpdir(), 'celeriac-rules-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('a rule file becomes groups, with every field in our units', () => {
  const text = `
groups:
  - name: one
    interval: 30s
    query_offset: 1m
    limit: 5
    labels: {team: a}
    rules:
      - record: job:x:sum
        expr: sum by (job) (x)
        labels: {kind: sum}
      - alert: High
        expr: |
          x
            > 1
        for: 1h30m
        keep_firing_for: 5m
        labels: {severity: page}
        annotations: {summary: 'is {{ $value }}'}
  - name: two
    rules: []
`
  expect(parseRuleFile(text, 'a.yml')).toEqual([
    {
      name: 'one',
      file: 'a.yml',
      intervalMs: 30 * SECOND,
      queryOffsetMs: MINUTE,
      limit: 5,
      labels: { team: 'a' },
      rules: [
        { kind: 'record', record: 'job:x:sum', expr: 'sum by (job) (x)', labels: { kind: 'sum' } },
        {
          kind: 'alert',
          alert: 'High',
          expr: 'x\n  > 1\n',
          forMs: 90 * MINUTE,
          keepFiringForMs: 5 * MINUTE,
          labels: { severity: 'page' },
          annotations: { summary: 'is {{ $value }}' },
        },
      ],
    },
    { name: 'two', file: 'a.yml', intervalMs: MINUTE, rules: [] },
  ])
  expect(parseRuleFile(text, 'a.yml', 7000)[1]?.intervalMs).toBe(7000)
})

/** promtool 2.42 judges these too: what it loads we load, what it refuses we refuse. */
const LOADED: Readonly<Record<string, string>> = {
  nothing: '',
  'no groups': 'groups:',
  'no rules': 'groups: [{name: g}]',
  'numbers and booleans as texts':
    'groups: [{name: 1, rules: [{alert: 2, expr: 1, labels: {a: 1, b: true, c: 1.50, d: yes}, annotations: {a: 0x10}}]}]',
  'a duration of 0':
    'groups: [{name: g, interval: 0s, rules: [{alert: A, expr: up, for: 0, keep_firing_for: 0s}]}]',
  'keys without values':
    'groups:\n- name: g\n  interval:\n  limit:\n  rules:\n  - alert: A\n    expr: up\n    for:\n    labels:\n    annotations:\n',
  'empty labels': 'groups: [{name: g, rules: [{alert: A, expr: up, labels: {a: null, b: ""}}]}]',
  'anchors and merge keys':
    'groups:\n- name: g\n  rules:\n  - &a {alert: A, expr: up}\n  - <<: *a\n    alert: B\n  - *a\n',
  'a template in a label of a recording rule':
    'groups: [{name: g, rules: [{record: a, expr: up, labels: {a: "{{ nope }}"}}]}]',
  'alert names with any characters': 'groups: [{name: "g g", rules: [{alert: "a-b c", expr: up}]}]',
  'the same rule twice': 'groups: [{name: g, rules: [{record: a, expr: up}, {record: a, expr: up}]}]',
}

const REFUSED: Readonly<Record<string, readonly [text: string, message: RegExp]>> = {
  'no map': ['hello', /^f\.yml:.*expected object/],
  'an unknown key of the file': ['group: []', /^f\.yml:1: group: unknown key/],
  'an unknown key of a group': ['groups:\n- name: g\n  foo: 1\n', /^f\.yml:3: groups\.0\.foo: unknown key/],
  'an unknown key of a rule': [
    'groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up\n    fro: 5m\n',
    /^f\.yml:6: groups\.0\.rules\.0\.fro: unknown key/,
  ],
  'a key that is there twice': ['groups: []\ngroups: []\n', /^f\.yml:2:/],
  'broken YAML': ['groups: [', /^f\.yml:1:/],
  'a group without a name': ['groups:\n- rules: []\n', /^f\.yml:2: groups\.0\.name/],
  'an empty group name': ['groups: [{name: "", rules: []}]', /^f\.yml:1: groups\.0\.name/],
  'a group name that is there twice': [
    'groups:\n- {name: g, rules: []}\n- {name: g, rules: []}\n',
    /^f\.yml:3: groups\.1\.name: another group is named "g"/,
  ],
  'record and alert at once': [
    'groups:\n- name: g\n  rules:\n  - {alert: A, record: b, expr: up}\n',
    /^f\.yml:4: groups\.0\.rules\.0: expected one of `record` and `alert`/,
  ],
  'neither record nor alert': [
    'groups: [{name: g, rules: [{expr: up}]}]',
    /expected one of `record` and `alert`/,
  ],
  'no expression': ['groups: [{name: g, rules: [{alert: A}]}]', /^f\.yml:1: groups\.0\.rules\.0\.expr/],
  'an expression that does not parse': [
    'groups:\n- name: g\n  rules:\n  - alert: A\n    expr: sum(\n',
    /^f\.yml:5: groups\.0\.rules\.0\.expr: .*parse error/,
  ],
  'a duration that is none': [
    'groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up\n    for: soon\n',
    /^f\.yml:6: groups\.0\.rules\.0\.for: expected a duration such as 5m, got "soon"/,
  ],
  'a negative duration': [
    'groups: [{name: g, rules: [{alert: A, expr: up, for: -1m}]}]',
    /expected a duration/,
  ],
  'for in a recording rule': [
    'groups: [{name: g, rules: [{record: a, expr: up, for: 1m}]}]',
    /groups\.0\.rules\.0\.for: unknown key/,
  ],
  'a metric name that is none': [
    'groups: [{name: g, rules: [{record: a-b, expr: up}]}]',
    /expected a metric name/,
  ],
  'a label name that is none': [
    'groups: [{name: g, rules: [{alert: A, expr: up, labels: {a-b: x}}]}]',
    /^f\.yml:1: groups\.0\.rules\.0\.labels\.a-b/,
  ],
  'the label __name__': [
    'groups: [{name: g, rules: [{alert: A, expr: up, labels: {__name__: x}}]}]',
    /__name__/,
  ],
  'a template that does not parse': [
    'groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up\n    annotations:\n      s: "{{ nope }}"\n',
    /^f\.yml:7: groups\.0\.rules\.0\.annotations\.s: .*function "nope" not defined/,
  ],
  'a label that is a list': [
    'groups: [{name: g, rules: [{alert: A, expr: up, labels: {a: [1]}}]}]',
    /labels\.a/,
  ],
}

function promtoolLoads(text: string): boolean {
  const file = join(folder, 'f.yml')
  writeFileSync(file, text)
  try {
    execFileSync('promtool', ['check', 'rules', file], { stdio: 'pipe' })
    return true
  } catch {
    return false
  }
}

function faultOf(text: string): string {
  try {
    parseRuleFile(text, 'f.yml')
    return 'none'
  } catch (error) {
    if (!(error instanceof CeleriacError)) throw error
    return `${error.code} ${error.message}`
  }
}

test.each(Object.entries(LOADED))('loaded, as by promtool: %s', (_name, text) => {
  expect([faultOf(text), promtoolLoads(text)]).toEqual(['none', true])
})

test.each(Object.entries(REFUSED))('refused, as by promtool: %s', (_name, [text, message]) => {
  expect(promtoolLoads(text)).toBe(false)
  const fault = faultOf(text)
  expect(fault).toMatch(/^RULES_INVALID /)
  expect(fault.slice('RULES_INVALID '.length)).toMatch(message)
})

test('texts are taken as they are written', () => {
  const [group] = parseRuleFile(LOADED['numbers and booleans as texts'] ?? '', 'f.yml')
  expect(group).toMatchObject({
    name: '1',
    rules: [
      {
        alert: '2',
        expr: '1',
        labels: { a: '1', b: 'true', c: '1.50', d: 'yes' },
        annotations: { a: '0x10' },
      },
    ],
  })
})

test('all faults are told at once, each with its line', () => {
  const text =
    'groups:\n- name: g\n  rules:\n  - alert: A\n    expr: sum(\n    for: x\n  - record: "-"\n    expr: up\n'
  expect(faultOf(text).match(/f\.yml:\d+/g)).toEqual(['f.yml:5', 'f.yml:6', 'f.yml:7'])
})

test('any groups that are written are read back the same', () => {
  const name = fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,8}$/)
  // Annotations without actions: templates have tests of their own.
  const texts = fc.dictionary(
    name,
    fc.string({ maxLength: 20 }).filter(text => !text.includes('{{')),
    {
      maxKeys: 3,
      noNullPrototype: true,
    },
  )
  const minutes = fc.integer({ min: 0, max: 90 })
  const rule = fc.record({ alert: name, for: minutes, keep: minutes, labels: texts, annotations: texts })
  fc.assert(
    fc.property(fc.uniqueArray(name, { maxLength: 4 }), fc.array(rule, { maxLength: 4 }), (names, rules) => {
      const text = stringify({
        groups: names.map(each => ({
          name: each,
          interval: '30s',
          rules: rules.map(({ alert, labels, annotations, ...rest }) => ({
            alert,
            expr: 'up == 0',
            for: `${rest.for}m`,
            keep_firing_for: `${rest.keep}m`,
            labels,
            annotations,
          })),
        })),
      })
      const without = (labels: Record<string, string>): boolean => !('__name__' in labels)
      fc.pre(rules.every(({ labels }) => without(labels)))
      expect(parseRuleFile(text, 'f.yml')).toEqual(
        names.map(each => ({
          name: each,
          file: 'f.yml',
          intervalMs: 30 * SECOND,
          rules: rules.map(({ alert, labels, annotations, ...rest }) => ({
            kind: 'alert',
            alert,
            expr: 'up == 0',
            forMs: rest.for * MINUTE,
            keepFiringForMs: rest.keep * MINUTE,
            labels,
            annotations,
          })),
        })),
      )
    }),
    { numRuns: 100 },
  )
})
