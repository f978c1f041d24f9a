import type { LintRule } from '../contract.ts'
import { routesBelow } from '../artefacts/alertmanager.ts'
import type { Entry, Tree } from '../text/tree.ts'
import { alertmanagerExample } from './examples.ts'

const CONFIG = (matchers: string): string => `route:
  receiver: webhook
  routes:
    # People who are on call.
    - ${matchers}
      receiver: webhook
receivers:
  - name: webhook
    webhook_configs:
      - url: http://127.0.0.1:8080/
inhibit_rules:
  - source_matchers: [severity="critical"]
    target_matchers: [severity="warning"]
    equal: [alertname]
`
const OPERATORS: Readonly<Record<string, readonly [now: string, op: string]>> = {
  match: ['matchers', '='],
  match_re: ['matchers', '=~'],
  source_match: ['source_matchers', '='],
  source_match_re: ['source_matchers', '=~'],
  target_match: ['target_matchers', '='],
  target_match_re: ['target_matchers', '=~'],
}

export const alertmanagerMatch: LintRule = {
  name: 'alertmanager-match',
  severity: 'warning',
  title: '`match` and its like, deprecated since Alertmanager 0.22',
  why: 'They will be removed in one of the next releases, which then refuses the whole configuration. `matchers` says the same, and can also say that a label must not be something.',
  bad: alertmanagerExample(CONFIG('match:\n        severity: critical\n        team: reports')),
  good: alertmanagerExample(CONFIG('matchers: [\'severity="critical"\', \'team="reports"\']')),
  sources: ['https://prometheus.io/docs/alerting/latest/configuration/#route'],
  check({ alertmanagers }, report) {
    for (const { route, root } of alertmanagers) {
      const holders = [
        ...(route === undefined ? [] : routesBelow(route).map(each => each.route)),
        ...(root.get('inhibit_rules')?.items ?? []),
      ]
      for (const holder of holders) for (const entry of holder.entries) tell(entry, holder)
    }

    function tell(entry: Entry, holder: Tree): void {
      const replacement = OPERATORS[entry.key]
      if (replacement === undefined || entry.value.kind !== 'map') return
      const [now, op] = replacement
      const matchers = entry.value.entries.map(
        ({ key, value }) => `'${key}${op}${JSON.stringify(value.scalar ?? '').replaceAll("'", "''")}'`,
      )
      const text = `${now}: [${matchers.join(', ')}]`
      const { source, start } = entry.keyPlace
      const end = endOf(entry)
      // Two keys that become one, and comments inside, are for the author.
      const isSafe =
        Object.keys(OPERATORS).filter(key => holder.has(key) && OPERATORS[key]?.[0] === now).length === 1 &&
        !holder.has(now) &&
        !source.text.slice(start, end).includes('#')
      report({
        at: entry.keyPlace,
        within: holder.place,
        message: `${entry.key} is deprecated; ${now} says the same`,
        fix: text,
        ...(isSafe ? { edits: [{ start, end, text }] } : {}),
      })
    }
  },
}

/** The end of the last value of a map, without the line breaks behind it. */
function endOf({ value }: Entry): number {
  const { source, start, end } = value.place
  return start + source.text.slice(start, end).trimEnd().length
}
