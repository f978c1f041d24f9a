/** The catalog as pages: metrics, alerts and runbooks; and the rules of lint. */
import { META_RUNBOOK } from '../prometheus/meta.ts'
import type { EmittedFile } from '../file.ts'
import { type EmitSettings, emitSettings } from '../settings.ts'
import type { Target } from '../target.ts'
import { alertsPage } from './alerts-page.ts'
import { lintPages } from './lint-pages.ts'
import { metricsPage } from './metrics-page.ts'
import { runbookPages } from './runbooks.ts'

/** All pages, relative to the documentation folder. The same catalog gives the same bytes. */
export function emitDocs(given: Partial<EmitSettings> = {}): readonly EmittedFile[] {
  const note = `<!-- Made by \`${emitSettings(given).command}\` from the catalog of Celeriac. Do not edit: change the catalog, then emit again. -->`
  return [
    { path: 'alerts.md', content: alertsPage(note) },
    { path: 'metrics.md', content: metricsPage(note) },
    ...runbookPages(note, [{ ...META_RUNBOOK, before: META_RUNBOOK.runbook.before }]),
    ...lintPages(note),
  ]
}

export const docsTarget: Target = {
  name: 'docs',
  description: 'pages on metrics, alerts and runbooks',
  uses: [],
  files: emitDocs,
  print: settings =>
    emitDocs(settings)
      .map(({ content }) => content)
      .join('\n'),
}
