import { z } from 'zod'
import { CeleriacError, isLabelName, MINUTE, parseDurationMs } from '../base/index.ts'
import { parse } from '../promql/index.ts'
import type { Rule, RuleGroup } from './contract.ts'
import { templateFault } from './template/expand.ts'
import { readYaml } from './yaml-document.ts'

const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/

const duration = z.string().transform((text, context) => {
  const ms = parseDurationMs(text)
  if (ms !== undefined) return ms
  context.addIssue({ code: 'custom', message: `expected a duration such as 5m, got ${JSON.stringify(text)}` })
  return z.NEVER
})

const count = z
  .string()
  .regex(/^\d{1,9}$/, 'expected a whole number')
  .transform(Number)

/** A text; nothing is the empty text, as Prometheus reads it. */
const anyText = z
  .string()
  .nullable()
  .transform(value => value ?? '')

const labelName = z.string().refine(isLabelName, 'expected a label name')
const ruleLabels = z.record(
  labelName.refine(name => name !== '__name__', 'a rule may not set __name__'),
  anyText,
)
const annotations = z.record(labelName, anyText)

const expr = z
  .string()
  .min(1, 'expected an expression')
  .superRefine((text, context) => {
    try {
      if (text !== '') parse(text)
    } catch (error) {
      if (!(error instanceof CeleriacError)) throw error
      context.addIssue({ code: 'custom', message: error.message })
    }
  })

const template = (
  record: Record<string, string> | null | undefined,
  context: z.RefinementCtx,
  key: string,
): void => {
  for (const [name, text] of Object.entries(record ?? {})) {
    const fault = templateFault(name, text)
    if (fault !== undefined) context.addIssue({ code: 'custom', path: [key, name], message: fault })
  }
}

const recordEntry = z.strictObject({
  record: z.string().regex(METRIC_NAME, 'expected a metric name'),
  expr,
  labels: ruleLabels.nullish(),
})

const alertEntry = z
  .strictObject({
    alert: z.string().min(1),
    expr,
    for: duration.nullish(),
    keep_firing_for: duration.nullish(),
    labels: ruleLabels.nullish(),
    annotations: annotations.nullish(),
  })
  .superRefine((rule, context) => {
    template(rule.labels, context, 'labels')
    template(rule.annotations, context, 'annotations')
  })

const groupEntry = z.strictObject({
  name: z.string().min(1),
  interval: duration.nullish(),
  query_offset: duration.nullish(),
  limit: count.nullish(),
  labels: ruleLabels.nullish(),
  rules: z.array(z.unknown()).nullish(),
})

const fileEntry = z.strictObject({ groups: z.array(groupEntry).nullish() })

/**
 * Reads a Prometheus rule file (Prometheus `model/rulefmt`). Unknown keys are refused; expressions and templates must parse.
 * Throws RULES_INVALID that names file, line and what was expected, all faults at once.
 */
export function parseRuleFile(
  text: string,
  file: string,
  defaultIntervalMs: number = MINUTE,
): readonly RuleGroup[] {
  const document = readYaml(text, file)
  const faults: string[] = []
  const fault = (path: readonly PropertyKey[], message: string): void => {
    faults.push(document.place(path, message))
  }
  const check = <T>(schema: z.ZodType<T>, value: unknown, path: readonly PropertyKey[]): T | undefined => {
    const parsed = schema.safeParse(value)
    if (parsed.success) return parsed.data
    for (const issue of parsed.error.issues) {
      if (issue.code === 'unrecognized_keys')
        for (const key of issue.keys) fault([...path, ...issue.path, key], 'unknown key')
      else fault([...path, ...issue.path], issue.message)
    }
    return undefined
  }
  const groups = check(fileEntry, document.value ?? {}, [])?.groups ?? []
  const read = groups.map((group, g): RuleGroup => {
    const rules = (group.rules ?? []).flatMap((value, r) =>
      readRule(value, ['groups', g, 'rules', r], check, fault),
    )
    if (groups.findIndex(other => other.name === group.name) !== g)
      fault(['groups', g, 'name'], `another group is named ${JSON.stringify(group.name)}`)
    return {
      name: group.name,
      file,
      intervalMs: group.interval || defaultIntervalMs,
      rules,
      ...(!group.labels ? {} : { labels: group.labels }),
      ...(typeof group.limit !== 'number' ? {} : { limit: group.limit }),
      ...(typeof group.query_offset !== 'number' ? {} : { queryOffsetMs: group.query_offset }),
    }
  })
  if (faults.length > 0) throw new CeleriacError('RULES_INVALID', faults.join('\n'))
  return read
}

function readRule(
  value: unknown,
  path: readonly PropertyKey[],
  check: <T>(schema: z.ZodType<T>, value: unknown, path: readonly PropertyKey[]) => T | undefined,
  fault: (path: readonly PropertyKey[], message: string) => void,
): readonly Rule[] {
  // An empty name is no name.
  const names = z.looseObject({ record: anyText.optional(), alert: anyText.optional() }).safeParse(value).data
  const isRecording = (names?.record ?? '') !== ''
  const isAlerting = (names?.alert ?? '') !== ''
  if (isRecording === isAlerting) {
    fault(path, 'expected one of `record` and `alert`')
    return []
  }
  if (isRecording) {
    const rule = check(recordEntry, value, path)
    return rule === undefined
      ? []
      : [{ kind: 'record', record: rule.record, expr: rule.expr, labels: rule.labels ?? {} }]
  }
  const rule = check(alertEntry, value, path)
  if (rule === undefined) return []
  return [
    {
      kind: 'alert',
      alert: rule.alert,
      expr: rule.expr,
      forMs: rule.for ?? 0,
      keepFiringForMs: rule.keep_firing_for ?? 0,
      labels: rule.labels ?? {},
      annotations: rule.annotations ?? {},
    },
  ]
}
