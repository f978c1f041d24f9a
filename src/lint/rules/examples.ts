import type { LintFile } from '../file.ts'

interface PanelExample {
  readonly panel?: Readonly<Record<string, unknown>>
  readonly target?: Readonly<Record<string, unknown>>
  readonly dashboard?: Readonly<Record<string, unknown>>
}

/** A small dashboard that is in order, with parts replaced; `undefined` takes a part away. */
export function dashboardExample({ panel, target, dashboard }: PanelExample = {}): readonly LintFile[] {
  const content = {
    uid: 'celery',
    title: 'Celery',
    schemaVersion: 39,
    panels: [
      {
        id: 1,
        type: 'timeseries',
        title: 'Tasks waiting',
        gridPos: { h: 8, w: 12, x: 0, y: 0 },
        datasource: { type: 'prometheus', uid: 'prometheus' },
        fieldConfig: { defaults: { unit: 'short' }, overrides: [] },
        targets: [{ refId: 'A', expr: 'celery_queue_length', legendFormat: '{{queue_name}}', ...target }],
        ...panel,
      },
    ],
    ...dashboard,
  }
  return [{ path: 'dashboard.json', text: `${JSON.stringify(content, null, 2)}\n` }]
}

/** An Alertmanager configuration around a route and receivers that are to be shown. */
export const alertmanagerExample = (text: string): readonly LintFile[] => [{ path: 'alertmanager.yml', text }]
