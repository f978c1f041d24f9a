import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { Labels } from '../../base/index.ts'
import { expandTemplate, type TemplateContext, templateFault } from './expand.ts'
import { lex, TemplateError } from './lex.ts'
import { formatExponent, formatFixed, formatGeneral } from './numbers.ts'

const folder = mkdtempSync(join(tmpdir(), 'celeriac-template-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What templates are expanded over, here and in promtool: one alert on `m`, and `q` to query. */
const LABELS = {
  __name__: 'm',
  instance: 'host.example.org:9100',
  ip: '10.1.2.3:80',
  v6: '[::1]:80',
  odd: 'a b,c "d" \\e',
  url: '/x?y=1&z=2',
}
const VALUE = 1234567.891
const Q = [
  { labels: Labels.from({ __name__: 'q', job: 'b', n: '2' }), value: 0.25 },
  { labels: Labels.from({ __name__: 'q', job: 'a', n: '10' }), value: 1e21 },
]

const context: TemplateContext = {
  labels: Labels.from(LABELS),
  value: VALUE,
  atMs: 60_000,
  externalLabels: Labels.from({ region: 'eu', replica: '1' }),
  externalURL: 'http://alerts.example.org/prefix',
  query: expr => {
    if (expr === 'sort(q)') return Q
    if (expr === 'absent_series') return []
    throw new Error(`unknown query ${expr}`)
  },
}

/** Each is expanded by us and by promtool 2.42, and must come out the same. */
const CASES: readonly string[] = [
  'plain',
  '{{ $value }} {{ .Value }} {{ $labels.instance }} {{ .Labels.instance }} {{ $.Labels.ip }}',
  '{{ $labels }}',
  '{{ $externalLabels.region }} {{ .ExternalLabels }}',
  '[{{ $labels.missing }}] {{ index $labels "missing" }} {{ index $labels "odd" }}',
  // Numbers.
  '{{ 1 }} {{ 1.0 }} {{ -1.5e3 }} {{ 0x10 }} {{ 1e21 }} {{ 1e20 }} {{ 1e-5 }} {{ 0.0001 }} {{ 123456789.125 }} {{ 5e-324 }}',
  '{{ \'a\' }} {{ true }} {{ `raw \\n` }} {{ "q\\t\\"\\u00e9\\x41" }}',
  '{{ humanize 0.0 }} {{ humanize 1.0 }} {{ humanize 1234567.0 }} {{ humanize .00123 }} {{ humanize -999.95 }} {{ humanize 1e30 }}',
  '{{ humanize "1234.5" }} {{ humanize 3 }} {{ "NaN" | humanize }} {{ "+Inf" | humanize }} {{ humanize "-Inf" }} {{ humanize 1e-30 }}',
  '{{ humanize1024 0.0 }} {{ humanize1024 1024.0 }} {{ humanize1024 1048576.0 }} {{ humanize1024 -5e12 }} {{ humanize1024 0.5 }} {{ humanize1024 .12e-3 }}',
  '{{ humanizeDuration 0.0 }} {{ humanizeDuration 1 }} {{ humanizeDuration 61.7 }} {{ humanizeDuration 3661.0 }} {{ humanizeDuration 93784.5 }} {{ humanizeDuration -90 }}',
  '{{ humanizeDuration .1 }} {{ humanizeDuration .0001 }} {{ humanizeDuration 12.345678 }} {{ humanizeDuration -0.5 }} {{ humanizeDuration "NaN" }} {{ humanizeDuration 59.99999 }}',
  '{{ humanizePercentage 0.128 }} {{ humanizePercentage 1 }} {{ humanizePercentage -0.00001 }} {{ humanizePercentage 123.45678 }} {{ 0.99999 | humanizePercentage }}',
  '{{ humanizeTimestamp 0.0 }} {{ humanizeTimestamp 1435065584.128 }} {{ 1435065584.5 | humanizeTimestamp }} {{ humanizeTimestamp "NaN" }} {{ humanizeTimestamp -1.5 }}',
  '{{ toTime 1435065584.128 }}',
  // Text.
  '{{ toUpper "aBc" }} {{ toLower "AbC" }} {{ title "aa bb-cc dd_ee é" }} {{ $labels.instance | toUpper }}',
  '{{ match "^a.c$" "abc" }} {{ match "b" "abc" }} {{ match "(?i)B$" "abc" }} {{ $labels.odd | match "c" }}',
  '{{ reReplaceAll "(a)(b)?" "[$1|$2|$$|${1}x|$1x]" "abaca" }} {{ reReplaceAll "(?P<n>.)c" "${n}-$n" "abcc" }} {{ reReplaceAll "x*" "-" "abc" }}',
  '{{ stripPort "a:1" }} {{ stripPort "a" }} {{ stripPort "[::1]:80" }} {{ stripPort "a:b:c" }} {{ $labels.v6 | stripPort }}',
  '{{ stripDomain "a.b.c:80" }} {{ stripDomain "a.b.c" }} {{ stripDomain $labels.ip }} {{ stripDomain $labels.v6 }} {{ stripDomain "::1" }} {{ stripDomain "1.2.3.400:1" }}',
  '{{ graphLink "up{a=\\"b\\"} > 1" }} {{ tableLink "sum by (a) (x)" }} {{ safeHtml "<b>" }}',
  '{{ parseDuration "1h30m" }} {{ parseDuration "5ms" }} {{ printf "%.0f" (parseDuration "1d") }}',
  '{{ html "<a href=\\"x\\">\'&" }} {{ urlquery $labels.url "~*!" }} {{ print 1 2 "a" 3 4.5 }} {{ println "x" 1 }}|',
  // printf.
  '{{ printf "%s|%5s|%-5s|%.2s|%q|%x|%v" "abc" "abc" "abc" "abc" "a\\"b" "az" "v" }}',
  '{{ printf "%d|%5d|%-5d|%05d|%+d|%x|%o|%b|%c|%q|%U" 42 42 42 42 42 255 8 5 65 65 65 }}',
  '{{ printf "%f|%.2f|%8.3f|%-8.1f|%08.2f|%+.1f|%e|%.3e|%g|%.3g|%G|%v" 3.14159 3.14159 3.14159 3.14159 -3.14159 3.14159 314.159 314.159 314.159 314.159 1e-10 1e6 }}',
  '{{ printf "%.0f %.0f %.0f %.1f %.2f %.1f %.3g %.1e" 0.5 1.5 2.5 0.25 1.005 0.05 1234.5 2.5 }}',
  '{{ printf "%d %s %f %q %t %x %z" 1.5 2 3 4.5 "x" true "y" }}',
  '{{ printf "%s" }} {{ printf "%s" 1 2 }} {{ printf "a" 1 "b" 2.5 }} {{ printf "100%" }} {{ printf "%%" }} {{ printf "%t" true }} {{ printf "%v" true }} {{ printf "%T %T %T %T" 1 1.5 "a" $labels }}',
  '{{ $value | printf "%.2f" }} {{ printf "%g" $value }} {{ printf "%6.2f%%" 12.345 }} {{ printf "% d|%x" 5 -255 }} {{ printf "%v" $labels }}',
  '{{ printf "%v %.1f %8.2f %+v %08f" (query "sort(q)" | first | value) .25 1e21 2.0 -1.5 }}',
  // Queries.
  '{{ query "sort(q)" | first | value }} {{ query "sort(q)" | first | label "job" }} {{ with query "sort(q)" }}{{ . | first | value | humanize }}{{ end }}',
  '{{ range query "sort(q)" }}{{ .Labels.job }}={{ .Value }},{{ end }} {{ range $i, $s := query "sort(q)" | sortByLabel "job" }}{{ $i }}:{{ label "job" $s }}:{{ value $s }};{{ end }}',
  '{{ range query "absent_series" }}x{{ else }}none{{ end }} {{ with query "absent_series" }}y{{ else }}none{{ end }} {{ len (query "sort(q)") }}',
  '{{ (index (query "sort(q)") 1).Labels.n }} {{ (query "sort(q)" | first).Value }} {{ strvalue (query "sort(q)" | first) }}',
  // Control.
  '{{ if gt $value 5.0 }}big{{ else if gt $value 1.0 }}mid{{ else }}small{{ end }}',
  '{{ if eq $labels.instance "x" "host.example.org:9100" }}yes{{ end }} {{ if ne $labels.ip "y" }}ne{{ end }}',
  '{{ and 1 0 2 }} {{ or 0 "" "x" }} {{ not true }} {{ and true (eq 1 1) }} {{ or false nil }} {{ le 1 1 }} {{ ge "b" "a" }} {{ lt 1.5 2.5 }}',
  '{{ if and (gt .Value 1.0) (lt .Value 1e9) }}in{{ end }} {{ if not .Labels.nope }}not{{ end }}',
  '{{ with $labels.instance }}<{{ . }}>{{ end }}{{ with $x := "v" }}{{ $x }}{{ end }}{{ with "" }}a{{ else }}b{{ end }}',
  '{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ $x := 3 }}{{ $x }}{{ end }}{{ $x }}',
  '{{ range $k, $v := $labels }}{{ $k }}={{ $v }};{{ end }}',
  '{{ range $v := $labels }}{{ if eq $v "m" }}{{ continue }}{{ end }}{{ $v }}{{ break }}{{ end }}',
  '{{ define "t" }}[{{ . }}{{ if . }}+{{ end }}]{{ end }}{{ template "t" .Value }}{{ template "t" "a" }}{{ template "t" }}',
  '{{ define "two" }}{{ .arg0 }}-{{ .arg1 }}-{{ .arg2 }}{{ end }}{{ template "two" (args 1 "b") }} {{ args 1 2.5 }}',
  '{{ block "b" 5 }}<{{ . }}>{{ end }}',
  'a  {{- /* comment */ -}}  b {{- 1 -}} c {{ 2 -}}\n  d\n{{- 3 }}',
  '{{/* c */}}x{{ "}}" }}{{ `{{` }}',
  '{{ len "é€" }} {{ len $labels }} {{ slice "abcdef" 1 3 }} {{ index "abc" 1 }} {{ index $labels "ip" | len }}',
  '{{ $labels.instance | printf "%s %s" "a" | toUpper | printf "%q" }}',
  '{{ (printf "%s" "x") | printf "%s%s" (toUpper "y") }}',
  // Faults, with Go's words and places.
  '{{ $value | nope }}',
  '{{ $nope }}',
  '{{ .Foo }}',
  '{{ $value.Foo }}',
  '{{ gt $value 1 }}',
  '{{ eq 1 1.0 }}',
  '{{ lt true false }}',
  'ab\n{{ query "absent_series" | first }}',
  '{{ toUpper 1 }}',
  '{{ $value | toUpper }}',
  '{{ humanize "abc" }}',
  '{{ humanize $labels }}',
  '{{ first "x" }}',
  '{{ value $value }}',
  '{{ index (query "sort(q)") 7 }}',
  '{{ index $labels 1 }}',
  '{{ toUpper }}',
  '{{ toUpper "a" "b" }}',
  '{{ parseDuration "abc" }}',
  '{{ if }}x{{ end }}',
  '{{ if true }}x',
  '{{ end }}',
  '{{ "abc }}',
  '{{ 1 | toUpper }}',
  '{{ template "none" }}',
  '{{ nil }}',
  '{{ 1 2 }}',
  '{{ "a" "b" }}',
  '{{ range 5.0 }}x{{ end }}',
  '{{ .Value.A.B }}',
  '{{ len 1.5 }}',
  '{{ ',
  '{{ $labels.a.b }}',
  '{{ (1 }}',
  '{{ 1 ) }}',
  '{{ $x := 1, 2 }}',
  '{{ break }}',
  '{{ else }}',
]

test('every template expands as it does in promtool', async () => {
  const expected: Record<string, string> = {}
  for (const [i, text] of CASES.entries())
    expected[`c${i}`] = await expandTemplate('__alert_A', text, context)
  const annotations = Object.fromEntries(CASES.map((text, i) => [`c${i}`, text]))
  const rules = join(folder, 'rules.yml')
  // promtool refuses files whose templates do not parse, so those are compared with its words when it loads them.
  const unparsable = new Set(
    Object.entries(annotations)
      .filter(([, text]) => templateFault('__alert_A', text) !== undefined)
      .map(([key]) => key),
  )
  const only = (record: Record<string, string>): Record<string, string> =>
    Object.fromEntries(Object.entries(record).filter(([key]) => !unparsable.has(key)))
  const { __name__, ...labels } = LABELS
  writeFileSync(
    rules,
    stringify({
      groups: [
        {
          name: 'g',
          rules: [{ alert: 'A', expr: __name__, labels: { severity: 'x' }, annotations: only(annotations) }],
        },
      ],
    }),
  )
  const series = `${__name__}{${Object.entries(labels)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(',')}}`
  const file = join(folder, 'test.yml')
  writeFileSync(
    file,
    stringify({
      rule_files: [rules],
      tests: [
        {
          interval: '1m',
          external_labels: { region: 'eu', replica: '1' },
          input_series: [
            { series, values: `${VALUE} ${VALUE}` },
            { series: 'q{job="b",n="2"}', values: '0.25 0.25' },
            { series: 'q{job="a",n="10"}', values: '1e21 1e21' },
          ],
          alert_rule_test: [
            {
              alertname: 'A',
              eval_time: '1m',
              exp_alerts: [{ exp_labels: { ...labels, severity: 'x' }, exp_annotations: only(expected) }],
            },
          ],
        },
      ],
    }),
  )
  const differences = compareWithPromtool(file, only(expected), annotations)
  expect(differences).toEqual([])
  const refused = [...unparsable].map(key => {
    const text = annotations[key] ?? ''
    return [text, refusalOfPromtool(text), expected[key]]
  })
  expect(refused.filter(([, theirs, ours]) => theirs !== ours)).toEqual([])
})

/** promtool prints what it got only when something differs, so an alert with one more annotation is expected. */
function compareWithPromtool(
  file: string,
  expected: Record<string, string>,
  templates: Record<string, string>,
): readonly unknown[] {
  try {
    execFileSync('promtool', ['test', 'rules', file], { encoding: 'utf8', stdio: 'pipe' })
    return []
  } catch (error) {
    const report = (error as { stdout: string; stderr: string }).stdout + (error as { stderr: string }).stderr
    const got = report.slice(report.lastIndexOf('Annotations:{') + 'Annotations:{'.length)
    const differences: unknown[] = []
    for (const [key, text] of Object.entries(expected)) {
      const found = new RegExp(`\\b${key}=("(?:[^"\\\\]|\\\\.)*")`).exec(got)?.[1]
      if (found === undefined) return [report]
      const theirs = JSON.parse(
        found.replace(/\\x([0-9a-f]{2})/g, '\\u00$1').replaceAll('\\a', '\\u0007'),
      ) as string
      if (theirs !== text) differences.push({ template: templates[key], theirs, ours: text })
    }
    return differences.length === 0 ? [report] : differences
  }
}

function refusalOfPromtool(text: string): string {
  const file = join(folder, 'refused.yml')
  writeFileSync(
    file,
    stringify({ groups: [{ name: 'g', rules: [{ alert: 'A', expr: 'm', annotations: { a: text } }] }] }),
  )
  try {
    execFileSync('promtool', ['check', 'rules', file], { encoding: 'utf8', stdio: 'pipe' })
    return 'accepted'
  } catch (error) {
    const report = (error as { stdout: string; stderr: string }).stdout + (error as { stderr: string }).stderr
    const message = /annotation "a": (.*)/.exec(report)?.[1] ?? report
    return `<error expanding template: error parsing template __alert_A: ${message}>`
  }
}

test('functions that only Prometheus 3 has, or that its unit tests cannot reach', async () => {
  expect(await expandTemplate('a', '{{ $externalURL }} {{ externalURL }} {{ pathPrefix }}', context)).toBe(
    'http://alerts.example.org/prefix http://alerts.example.org/prefix /prefix',
  )
  expect(await expandTemplate('a', '{{ now }} {{ urlQueryEscape "a b&c" }}', context)).toBe('60 a+b%26c')
  expect(
    await expandTemplate('a', '{{ toDuration 5400.5 }} {{ toDuration 0.0015 }} {{ toDuration 0 }}', context),
  ).toBe('1h30m0.5s 1.5ms 0s')
})

test('a failing query and a missing port are told in the text', async () => {
  expect(await expandTemplate('a', '{{ query "bad" }}', context)).toContain(
    'error calling query: unknown query bad>',
  )
  const { query: _, ...withoutQuery } = context
  expect(await expandTemplate('a', '{{ query "q" }}', withoutQuery)).toContain(
    'queries are not available here',
  )
})

test('a template that calls itself without end is stopped', async () => {
  const twice = '{{ define "t" }}{{ template "t" }}{{ template "t" }}{{ end }}{{ template "t" }}'
  expect(await expandTemplate('a', twice, context)).toContain('exceeded maximum template depth')
  const wide = `{{ define "a" }}${'{{ range $labels }}{{ template "b" $ }}{{ end }}'.repeat(10)}{{ end }}`
  expect(
    await expandTemplate(
      'a',
      `${wide}{{ define "b" }}{{ template "a" $ }}{{ end }}{{ template "a" }}`,
      context,
    ),
  ).toContain('<error expanding template')
})

test('any text either expands or is refused with a message, and never throws anything else', async () => {
  const piece = fc.constantFrom(
    '{{',
    '}}',
    '{{-',
    '-}}',
    ' ',
    '\n',
    '$value',
    '$labels',
    '.',
    '.a',
    '$x',
    ':=',
    '=',
    '|',
    '(',
    ')',
    ',',
    '"a"',
    '`b`',
    "'c'",
    '1',
    '1.5',
    '-',
    'if',
    'else',
    'end',
    'range',
    'with',
    'define',
    'template',
    'printf',
    'query',
    'first',
    'index',
    'and',
    'text',
    '/*',
    '*/',
  )
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(piece, fc.string({ maxLength: 3 })), { maxLength: 25 }),
      async pieces => {
        const text = pieces.join('')
        expect(typeof (await expandTemplate('a', text, context))).toBe('string')
      },
    ),
    { numRuns: 2000 },
  )
})

test('text outside of actions is kept to the character', () => {
  fc.assert(
    fc.property(
      fc.string({ maxLength: 40 }).filter(text => !text.includes('{{')),
      text => {
        expect(lex(text)).toEqual(text === '' ? [] : [{ kind: 'text', text, at: 0 }])
      },
    ),
  )
  expect(() => lex('{{ /* x */ }}')).toThrow(TemplateError)
})

test('numbers read back as themselves, and agree with JavaScript where JavaScript rounds the same way', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), value => {
      expect(Number(formatGeneral(value))).toBe(value)
      expect(Number(formatExponent(value, 16))).toBe(value)
      expect(Number(formatFixed(value, 400))).toBe(value)
    }),
    { numRuns: 2000 },
  )
  fc.assert(
    fc.property(
      fc.double({ min: 1e-3, max: 1e15, noNaN: true }),
      fc.integer({ min: 0, max: 12 }),
      (value, digits) => {
        // An exact half is the only case in which the two may differ.
        fc.pre(
          !value
            .toExponential(20)
            .replace('.', '')
            .slice(digits + 1)
            .startsWith('5'),
        )
        const ours = formatExponent(value, digits).replace(/e([+-])0(\d)$/, 'e$1$2')
        expect(ours).toBe(value.toExponential(digits))
      },
    ),
    { numRuns: 2000 },
  )
})
