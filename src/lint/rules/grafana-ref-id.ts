import type { LintRule } from '../contract.ts'
import { dashboardExample } from './examples.ts'

export const grafanaRefId: LintRule = {
  name: 'grafana-ref-id',
  severity: 'info',
  title: 'A query without `refId`',
  why: 'Grafana gives letters to such queries when it opens the dashboard, in the order of the file. Transformations, alerts and links that name a query by its letter then point at another one after the next edit.',
  bad: dashboardExample({ target: { refId: undefined } }),
  good: dashboardExample({ target: { refId: 'A' } }),
  check({ dashboards }, report) {
    for (const { tree, title, targets } of dashboards.flatMap(({ panels }) => panels)) {
      targets.forEach((target, i) => {
        if (target.tree.has('refId') || target.tree.kind !== 'map') return
        const { source, start } = target.tree.place
        const refId = refIdOf(i)
        report({
          at: target.tree.place,
          within: tree.place,
          message: `query ${i + 1} of panel ${JSON.stringify(title)} has no refId`,
          fix: `"refId": "${refId}"`,
          ...(source.text[start] === '{' && target.tree.entries.length > 0
            ? {
                edits: [
                  {
                    start: start + 1,
                    end: start + 1,
                    text: `${gapOf(source.text, start)}"refId": "${refId}",`,
                  },
                ],
              }
            : {}),
        })
      })
    }
  },
}

const LETTERS = 26

/** A, B, …, Z, AA, … as Grafana counts. */
const refIdOf = (index: number): string =>
  index < LETTERS
    ? String.fromCharCode(65 + index)
    : `${refIdOf(Math.floor(index / LETTERS) - 1)}${refIdOf(index % LETTERS)}`

/** The white space behind an opening brace, so that a new first key stands as the others do. */
const gapOf = (text: string, brace: number): string => /^\s*/.exec(text.slice(brace + 1))?.[0] ?? ''
