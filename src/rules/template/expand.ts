import { BoundedMap, errorText, Labels } from '../../base/index.ts'
import type { QueryPort } from '../contract.ts'
import { execute } from './execute.ts'
import { TemplateError } from './lex.ts'
import { parseTemplate, type Template } from './parse.ts'
import { TemplateData, TemplateSample } from './value.ts'

/** What a template of a rule is about. */
export interface TemplateContext {
  /** Labels of the sample, with the metric's name. */
  readonly labels: Labels
  readonly value: number
  /** The time of the evaluation. */
  readonly atMs: number
  readonly externalLabels?: Labels
  readonly externalURL?: string
  /** For `query`; without it `query` fails. */
  readonly query?: QueryPort
}

/** Prometheus puts this in front of every template of a rule (`rules/alerting.go`), so columns in its messages count it. */
const PRELUDE =
  '{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}'

/** Parsed templates that are remembered, and queries one template may make. */
const REMEMBERED_TEMPLATES = 1024
const MAX_QUERIES = 100

const parsed = new BoundedMap<string, Template>(REMEMBERED_TEMPLATES)

function parse(name: string, text: string): Template {
  const key = `${name}\u0000${text}`
  let template = parsed.get(key)
  if (template === undefined) parsed.set(key, (template = parseTemplate(name, PRELUDE + text)))
  return template
}

/** What is wrong with a template of a rule before it is ever run; undefined when nothing is. */
export function templateFault(name: string, text: string): string | undefined {
  try {
    parse(name, text)
    return undefined
  } catch (error) {
    if (error instanceof TemplateError) return error.message
    throw error
  }
}

/** Thrown by `query` while its answer is not there yet: the answer is fetched and the template run again from its start. */
class Unanswered {
  readonly expr: string

  constructor(expr: string) {
    this.expr = expr
  }
}

/**
 * Expands a template of a rule (documentation "Template reference"). Never rejects: a template that does not parse or fails yields
 * the text `<error expanding template: …>`, as in Prometheus.
 */
export async function expandTemplate(name: string, text: string, context: TemplateContext): Promise<string> {
  if (!text.includes('{{')) return text
  try {
    return await expand(name, text, context)
  } catch (error) {
    return `<error expanding template: ${errorText(error)}>`
  }
}

async function expand(name: string, text: string, context: TemplateContext): Promise<string> {
  let template: Template
  try {
    template = parse(name, text)
  } catch (error) {
    throw new TemplateError(`error parsing template ${name}: ${errorText(error)}`)
  }
  const { labels, value, atMs, externalLabels = Labels.EMPTY, externalURL = '' } = context
  const data = new TemplateData(labels, value, externalLabels, externalURL)
  const answers = new Map<string, readonly TemplateSample[] | TemplateError>()
  const query = (expr: string): readonly TemplateSample[] => {
    const answer = answers.get(expr)
    if (answer === undefined) throw new Unanswered(expr)
    if (answer instanceof TemplateError) throw answer
    return answer
  }
  for (;;) {
    try {
      return execute(template, data, { atMs, externalURL, query })
    } catch (error) {
      if (!(error instanceof Unanswered))
        throw new TemplateError(`error executing template ${name}: ${errorText(error)}`)
      if (answers.size >= MAX_QUERIES)
        throw new TemplateError(`more than ${MAX_QUERIES} queries in template ${name}`)
      answers.set(error.expr, await answerOf(error.expr, context))
    }
  }
}

async function answerOf(
  expr: string,
  { query, atMs }: TemplateContext,
): Promise<readonly TemplateSample[] | TemplateError> {
  if (query === undefined) return new TemplateError('queries are not available here')
  try {
    const samples = await query(expr, atMs)
    return samples.map(({ labels, value }) => new TemplateSample(new Map(labels), value))
  } catch (error) {
    return new TemplateError(errorText(error))
  }
}
