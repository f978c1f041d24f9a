import { z } from 'zod'
import { CeleriacError, MINUTE, parseDurationMs } from '../../base/index.ts'
import { readYaml } from '../yaml-document.ts'

const duration = z.string().transform((value, context) => {
  const ms = parseDurationMs(value)
  if (ms !== undefined) return ms
  context.addIssue({
    code: 'custom',
    message: `expected a duration such as 5m, got ${JSON.stringify(value)}`,
  })
  return z.NEVER
})

/** A text; nothing is the empty text, as Prometheus reads it. */
const text = z
  .string()
  .nullable()
  .transform(value => value ?? '')
const texts = z.record(z.string(), text)
/** A YAML number, also `.inf` and `.nan`, and what people write for them. */
const value = text.transform((written, context) => {
  const special = /^([-+]?)\.?(inf|nan)$/i.exec(written)
  if (special?.[2]?.toLowerCase() === 'nan') return NaN
  if (special !== null) return special[1] === '-' ? -Infinity : Infinity
  const number = Number(written)
  if (!Number.isNaN(number)) return number
  context.addIssue({ code: 'custom', message: `expected a number, got ${JSON.stringify(written)}` })
  return z.NEVER
})

const testGroup = z.strictObject({
  name: text.optional(),
  interval: duration.nullish(),
  input_series: z.array(z.strictObject({ series: z.string(), values: text })).nullish(),
  alert_rule_test: z
    .array(
      z.strictObject({
        eval_time: duration,
        alertname: z.string().min(1, 'expected the name of an alert'),
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
        exp_samples: z.array(z.strictObject({ labels: text.default(''), value: value.default(0) })).nullish(),
      }),
    )
    .nullish(),
  external_labels: texts.nullish(),
  external_url: text.optional(),
})

const testFile = z.strictObject({
  rule_files: z.array(z.string()).nullish(),
  evaluation_interval: duration.nullish(),
  group_eval_order: z.array(z.string()).nullish(),
  tests: z.array(testGroup).nullish(),
})

/** A file of rule unit tests, durations in ms. */
export interface TestFile {
  readonly ruleFiles: readonly string[]
  readonly evaluationMs: number
  readonly groupOrder: readonly string[]
  readonly tests: readonly TestGroup[]
}
export type TestGroup = z.output<typeof testGroup>

/** Reads promtool's unit test format; unknown keys are refused. Throws RULES_INVALID naming the file, the line and the place. */
export function parseTestFile(content: string, file: string): TestFile {
  const document = readYaml(content, file)
  const parsed = testFile.safeParse(document.value ?? {})
  if (!parsed.success) {
    const problems = parsed.error.issues.map(issue => document.place(issue.path, issue.message))
    throw new CeleriacError('RULES_INVALID', problems.join('\n'))
  }
  const {
    rule_files: ruleFiles,
    evaluation_interval: evaluationMs,
    group_eval_order: order,
    tests,
  } = parsed.data
  // An interval of 0 is none: time would stand still.
  return {
    ruleFiles: ruleFiles ?? [],
    evaluationMs: evaluationMs || MINUTE,
    groupOrder: order ?? [],
    tests: tests ?? [],
  }
}
