import { parseDocument } from 'yaml'
import { z } from 'zod'
import { CeleriacError, compileMatcher } from '../base/index.ts'
import type { Check, ExpectedRule } from './contract.ts'

interface Matcher {
  readonly label: string
  readonly op: '=' | '!=' | '=~' | '!~'
  readonly value: string
}

interface RouteNode {
  readonly matchers: readonly Matcher[]
  readonly receiver: string
  readonly continues: boolean
  readonly children: readonly RouteNode[]
}

/** Where alerts may go, and of what it depends when that is not known beforehand. */
interface Destination {
  readonly receiver: string
  readonly when: readonly string[]
}

export interface RoutingConfig {
  readonly root: RouteNode
  /** The kinds of integrations of each receiver: `slack`, `pagerduty`, … */
  readonly receivers: ReadonlyMap<string, readonly string[]>
}

const texts = z.record(z.string(), z.coerce.string())
interface RouteEntry {
  readonly receiver?: string | undefined
  readonly match?: Readonly<Record<string, string>> | undefined
  readonly match_re?: Readonly<Record<string, string>> | undefined
  readonly matchers?: string | readonly string[] | undefined
  readonly continue?: boolean | undefined
  readonly routes?: readonly RouteEntry[] | null | undefined
}
const routeEntry: z.ZodType<RouteEntry> = z.looseObject({
  receiver: z.string().optional(),
  match: texts.optional(),
  match_re: texts.optional(),
  matchers: z.union([z.string(), z.array(z.string())]).optional(),
  continue: z.boolean().optional(),
  get routes() {
    return z.array(routeEntry).nullish()
  },
})
const configEntry = z.looseObject({
  route: routeEntry,
  receivers: z.array(z.looseObject({ name: z.string() })),
})

/**
 * Reads what a running Alertmanager says of its configuration (`/api/v2/status`, `config.original`). Throws QUERY_FAILED when it
 * is not what an Alertmanager says.
 */
export function readRouting(yaml: string): RoutingConfig {
  const document = parseDocument(yaml, { prettyErrors: false, logLevel: 'silent' })
  const parsed = configEntry.safeParse(document.errors.length > 0 ? undefined : document.toJS())
  if (!parsed.success)
    throw new CeleriacError('QUERY_FAILED', 'What Alertmanager says of its configuration cannot be read.')
  const { route, receivers } = parsed.data
  return {
    root: nodeOf(route, ''),
    receivers: new Map(
      receivers.map(receiver => [
        receiver.name,
        Object.entries(receiver).flatMap(([key, value]) =>
          key.endsWith('_configs') && Array.isArray(value) && value.length > 0
            ? [key.slice(0, -'_configs'.length)]
            : [],
        ),
      ]),
    ),
  }
}

function nodeOf(entry: RouteEntry, inherited: string): RouteNode {
  const receiver = entry.receiver ?? inherited
  const given = typeof entry.matchers === 'string' ? [entry.matchers] : (entry.matchers ?? [])
  return {
    receiver,
    continues: entry.continue === true,
    matchers: [
      ...Object.entries(entry.match ?? {}).map(([label, value]) => ({ label, op: '=' as const, value })),
      ...Object.entries(entry.match_re ?? {}).map(([label, value]) => ({ label, op: '=~' as const, value })),
      ...given.flatMap(readMatchers),
    ],
    children: (entry.routes ?? []).map(child => nodeOf(child, receiver)),
  }
}

const MATCHER = /\s*([^\s=!~,{}"]+|"(?:\\.|[^"\\])*")\s*(=~|!~|!=|=)\s*("(?:\\.|[^"\\])*"|[^\s,{}]*)/g

/** `{a="b", c=~"d"}`, with or without braces and quotes. */
const readMatchers = (text: string): readonly Matcher[] =>
  [...text.matchAll(MATCHER)].map(match => ({
    label: unquote(match[1] ?? ''),
    op: match[2] as Matcher['op'],
    value: unquote(match[3] ?? ''),
  }))

const unquote = (text: string): string =>
  text.startsWith('"')
    ? text.slice(1, -1).replaceAll(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char))
    : text

type Answer = 'yes' | 'no' | 'maybe'

/** Whether an alert whose open labels may have any value passes a matcher. */
function passes(
  matcher: Matcher,
  { labels, openLabels }: Pick<ExpectedRule, 'labels' | 'openLabels'>,
): Answer {
  if (labels[matcher.label] === undefined && openLabels.includes(matcher.label)) return 'maybe'
  const test = compileMatcher({ name: matcher.label, op: matcher.op, value: matcher.value })
  return test(labels[matcher.label] ?? '') ? 'yes' : 'no'
}

/** Where a route takes an alert (Alertmanager `dispatch/route.go`, Match): the deepest that match, going on where it says so. */
export function destinations(
  node: RouteNode,
  alert: Pick<ExpectedRule, 'labels' | 'openLabels'>,
): readonly Destination[] {
  const found: Destination[] = []
  let certain = false
  for (const child of node.children) {
    const answers = child.matchers.map(matcher => ({ matcher, answer: passes(matcher, alert) }))
    if (answers.some(({ answer }) => answer === 'no')) continue
    const open = answers.flatMap(({ matcher, answer }) =>
      answer === 'maybe' ? [`${matcher.label}${matcher.op}${JSON.stringify(matcher.value)}`] : [],
    )
    found.push(
      ...destinations(child, alert).map(({ receiver, when }) => ({ receiver, when: [...open, ...when] })),
    )
    if (open.length > 0) continue
    certain = true
    if (!child.continues) return found
  }
  return certain ? found : [...found, { receiver: node.receiver, when: [] }]
}

/** Where each alert would go, and whether that is somebody. `own` are labels that Prometheus adds to all of them. */
export function checkRoutes(
  config: RoutingConfig,
  alerts: readonly ExpectedRule[],
  own: Readonly<Record<string, string>> = {},
): readonly Check[] {
  return alerts.map(alert => {
    const labels: Readonly<Record<string, string>> = { ...own, alertname: alert.name, ...alert.labels }
    const all = destinations(config.root, { labels, openLabels: alert.openLabels })
    const reached = all.filter(({ receiver }) => (config.receivers.get(receiver) ?? []).length > 0)
    const severity = labels['severity'] ?? 'no severity'
    const sure = reached.some(({ when }) => when.length === 0)
    const base = { area: 'routes', name: alert.name } as const
    if (sure)
      return {
        ...base,
        level: 'ok',
        title: `${alert.name} (${severity}) goes to ${wordsOf(reached, config)}.`,
        fix: null,
      }
    const nobody = all.filter(({ receiver }) => !reached.some(other => other.receiver === receiver))
    const where = nobody.map(({ receiver }) => receiver).join(', ')
    if (severity === 'info')
      return {
        ...base,
        level: 'info',
        title: `${alert.name} (info) goes to ${where}, which tells nobody.`,
        fix: null,
      }
    return {
      ...base,
      level: severity === 'critical' ? 'wrong' : 'missing',
      title:
        reached.length === 0
          ? `${alert.name} (${severity}) goes to ${where}, which tells nobody.`
          : `${alert.name} (${severity}) goes to ${wordsOf(reached, config)}, else to ${where}, which tells nobody.`,
      fix: `Add a route with matchers [severity="${severity}"] to a receiver that has an integration.`,
    }
  })
}

const wordsOf = (list: readonly Destination[], { receivers }: RoutingConfig): string =>
  [
    ...new Set(
      list.map(({ receiver, when }) => {
        const kinds = (receivers.get(receiver) ?? []).join(', ')
        return `${receiver} (${kinds}${when.length === 0 ? '' : `, if ${when.join(' and ')}`})`
      }),
    ),
  ].join(' and ')
