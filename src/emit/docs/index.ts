/** The catalog as pages: metrics, alerts and runbooks. */
import { META_RUNBOOK } from '../prometheus/meta.ts'
import type { EmittedFile } from '../file.ts'
import { alertsPage } from './alerts-page.ts'
import { metricsPage } from './metrics-page.ts'
import { runbookPages } from './runbooks.ts'

export interface DocsOptions {
  /** Named in the first comment of every page. */
  readonly command?: string
}

/** All pages, relative to the documentation folder. The same catalog gives the same bytes. */
export function emitDocs(options: DocsOptions = {}): readonly EmittedFile[] {
  const note = `<!-- Made by \`${options.command ?? 'npm run emit'}\` from the catalog of Celeriac. Do not edit: change the catalog, then emit again. -->`
  return [
    { path: 'alerts.md', content: alertsPage(note) },
    { path: 'metrics.md', content: metricsPage(note) },
    ...runbookPages(note, [META_RUNBOOK]),
  ]
}
