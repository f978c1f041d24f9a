import { isNode, LineCounter, parseDocument } from 'yaml'
import { z } from 'zod'
import { CeleriacError, isLabelName, MINUTE, parseDurationMs } from '../base/index.ts'
import { parse } from '../promql/index.ts'
import type { Rule, RuleGroup } from './contract.ts'
import { templateFault } from './template/expand.ts'

const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/

const duration = z.string().transform((text, context) => {
  const ms = parseDurationMs(text)
  if (ms !== undefined) return ms
  context.addIssue({ code: 'custom', message: `expected a duration such as 5m, got ${JSON.stringify(text)}` })
  return z.NEVER
})

const labelName = z.string().refine(isLabelName, 'expected a label name')
const ruleLabels = z.record(
  labelName.refine(name => name !== '__name__', 'a rule may not set __name__'),
  z.string(),
)
const annotations = z.record(labelName, z.string())

const expr = z
  .union([z.string(), z.number()])
  .transform(String)
  .superRefine((text, context) => {
    try {
      parse(text)
    } catch (error) {
      if (!(error instanceof CeleriacError)) throw error
      context.addIssue({ code: 'custom', message: error.message })
    }
  })

const template = (
  record: Record<string, string> | undefined,
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
  labels: ruleLabels.optional(),
})

const alertEntry = z
  .strictObject({
    alert: z.string().min(1),
    expr,
    for: duration.optional(),
    keep_firing_for: duration.optional(),
    labels: ruleLabels.optional(),
    annotations: annotations.optional(),
  })
  .superRefine((rule, context) => {
    template(rule.labels, context, 'labels')
    template(rule.annotations, context, 'annotations')
  })

const groupEntry = z.strictObject({
  name: z.string().min(1),
  interval: duration.optional(),
  query_offset: duration.optional(),
  limit: z.number().int().min(0).optional(),
  labels: ruleLabels.optional(),
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
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true })
  const broken = document.errors[0]
  if (broken !== undefined) {
    const { line, col } = lines.linePos(broken.pos[0])
    throw new CeleriacError('RULES_INVALID', `${file}:${line}:${col}: ${broken.message}`)
  }
  const faults: string[] = []
  const fault = (path: readonly PropertyKey[], message: string): void => {
    let at = ''
    for (let depth = path.length; depth > 0 && at === ''; depth--) {
      const node: unknown = document.getIn(path.slice(0, depth), true)
      if (isNode(node) && node.range) at = `${lines.linePos(node.range[0]).line}:`
    }
    faults.push(`${file}:${at} ${path.join('.')}: ${message}`)
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
  const groups = check(fileEntry, document.toJS() ?? {}, [])?.groups ?? []
  const read = groups.map((group, g): RuleGroup => {
    const rules = (group.rules ?? []).flatMap((value, r) =>
      readRule(value, ['groups', g, 'rules', r], check, fault),
    )
    if (groups.findIndex(other => other.name === group.name) !== g)
      fault(['groups', g, 'name'], `another group is named ${JSON.stringify(group.name)}`)
    return {
      name: group.name,
      file,
      intervalMs: group.interval === undefined || group.interval === 0 ? defaultIntervalMs : group.interval,
      rules,
      ...(group.labels === undefined ? {} : { labels: group.labels }),
      ...(group.limit === undefined ? {} : { limit: group.limit }),
      ...(group.query_offset === undefined ? {} : { queryOffsetMs: group.query_offset }),
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
  const isRecording = typeof value === 'object' && value !== null && 'record' in value
  const isAlerting = typeof value === 'object' && value !== null && 'alert' in value
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
