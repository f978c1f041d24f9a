import { alerts, type Runbook, type Step, stepsBefore } from '../../catalog/index.ts'
import type { EmittedFile } from '../file.ts'
import { bullets, code, fenced, page, table } from './markdown.ts'

/** A runbook and the alert that leads to it. */
interface Page {
  readonly alert: string
  readonly slug: string
  readonly severity: string
  readonly runbook: Runbook
  readonly before: readonly Step[]
}

/** One page an alert, and an index of them. `extra` are pages of alerts that only some targets have. */
export function runbookPages(note: string, extra: readonly Page[]): readonly EmittedFile[] {
  const pages: readonly Page[] = [
    ...alerts.map(alert => ({
      alert: alert.name,
      slug: alert.slug,
      severity: alert.severity,
      runbook: alert.runbook,
      before: stepsBefore(alert),
    })),
    ...extra,
  ]
  return [
    {
      path: 'runbooks/README.md',
      content: page(
        note,
        '# Runbooks',
        'What to do when an alert fires: what it means, what to look at, what to do, and when to call others.',
        table(
          ['alert', 'severity', 'runbook'],
          pages.map(({ alert, slug, severity, runbook }) => [
            code(alert),
            severity,
            `[${runbook.title}](${slug}.md)`,
          ]),
        ),
      ),
    },
    ...pages.map(entry => ({ path: `runbooks/${entry.slug}.md`, content: runbookPage(note, entry) })),
  ]
}

const runbookPage = (note: string, { alert, severity, runbook, before }: Page): string =>
  page(
    note,
    `# ${runbook.title}`,
    `Alert ${code(alert)}, severity ${severity}. All numbers: [alerts](../alerts.md), [metrics](../metrics.md).`,
    '## What it means',
    runbook.meaning.join('\n\n'),
    '## Check',
    steps(runbook.check),
    '## Act',
    steps(runbook.act),
    '## Escalate',
    bullets(runbook.escalate),
    '## What it looked like before',
    steps(before),
  )

const steps = (list: readonly Step[]): string => list.map((step, i) => numbered(i + 1, step)).join('\n\n')

function numbered(number: number, { text, query, shell }: Step): string {
  const blocks = [
    text,
    ...(query === undefined ? [] : [fenced('promql', query.text)]),
    ...(shell === undefined ? [] : [fenced('sh', shell)]),
  ]
  const mark = `${number}. `
  return mark + blocks.join('\n\n').replaceAll(/\n(?=.)/g, `\n${' '.repeat(mark.length)}`)
}
