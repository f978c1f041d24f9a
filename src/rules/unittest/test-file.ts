import { parseDocument } from 'yaml'
import { z } from 'zod'
import { CeleriacError, MINUTE, parseDurationMs } from '../../base/index.ts'

const duration = z.union([z.string(), z.number()]).transform((value, context) => {
  const ms = parseDurationMs(String(value))
  if (ms !== undefined) return ms
  context.addIssue({
    code: 'custom',
    message: `expected a duration such as 5m, got ${JSON.stringify(value)}`,
  })
  return z.NEVER
})

const text = z.union([z.string(), z.number(), z.boolean()]).transform(String)
const texts = z.record(z.string(), text)
const value = z
  .union([z.number(), z.string()])
  .transform(each => (typeof each === 'number' ? each : Number(each.replace('Inf', 'Infinity'))))

const testGroup = z.strictObject({
  name: z.string().optional(),
  interval: duration.optional(),
  input_series: z.array(z.strictObject({ series: z.string(), values: text })).default([]),
  alert_rule_test: z
    .array(
      z.strictObject({
        eval_time: duration,
        alertname: z.string(),
        exp_alerts: z
          .array(z.strictObject({ exp_labels: texts.nullish(), exp_annotations: texts.nullish() }))
          .nullish(),
      }),
    )
    .nullish(),
  promql_expr_test: z
    .array(
      z.strictObject({
        expr: text,
        eval_time: duration,
        exp_samples: z.array(z.strictObject({ labels: z.string().default(''), value })).nullish(),
      }),
    )
    .nullish(),
  external_labels: texts.optional(),
  external_url: z.string().optional(),
})

const testFile = z.strictObject({
  rule_files: z.array(z.string()).default([]),
  evaluation_interval: duration.default(MINUTE),
  group_eval_order: z.array(z.string()).default([]),
  tests: z.array(testGroup).default([]),
})

/** A file of rule unit tests, durations in ms. */
export type TestFile = z.output<typeof testFile>
export type TestGroup = TestFile['tests'][number]

/** Reads promtool's unit test format; unknown keys are refused. Throws RULES_INVALID naming the file and the place. */
export function parseTestFile(content: string, file: string): TestFile {
  const document = parseDocument(content, { prettyErrors: true })
  const broken = document.errors[0]
  if (broken !== undefined) throw new CeleriacError('RULES_INVALID', `${file}: ${broken.message}`)
  const parsed = testFile.safeParse(document.toJS() ?? {})
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map(issue => `${file}: ${issue.path.join('.')}: ${issue.message}`)
  throw new CeleriacError('RULES_INVALID', problems.join('\n'))
}
