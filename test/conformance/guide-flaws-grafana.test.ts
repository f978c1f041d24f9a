/** Faults of the guide's dashboard (rows 39 to 47): each shows there, and not in ours. */
import { describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import {
  alerts,
  configureAlerts,
  dashboards,
  fullLegend,
  metrics,
  type Panel,
  panels,
} from '../../src/catalog/index.ts'
import { line } from '../../src/catalog/scene.ts'
import { parse } from '../../src/promql/index.ts'
import { dashboardFaults, emittedDashboards, grafanaFiles } from './grafana-model.ts'
import { ask, AS_SAID } from './guide-ask.ts'

/** Three panels of the guide's dashboard, as they stand there. */
const GUIDE = {
  dashboard: {
    title: 'Celery Async Report Processing',
    panels: [
      {
        id: 1,
        title: 'Queue Depth Over Time',
        type: 'graph',
        targets: [{ expr: "celery_queue_depth{queue='reports'}", legendFormat: 'Reports Queue' }],
        alert: { conditions: [], frequency: '1m', handler: 1, name: 'Queue Depth Alert' },
      },
      {
        id: 2,
        title: 'Worker Count',
        type: 'stat',
        targets: [{ expr: 'celery_worker_count', legendFormat: 'Active Workers' }],
      },
      {
        id: 8,
        title: 'Tasks Completed vs Failed',
        type: 'graph',
        targets: [
          { expr: 'rate(celery_task_succeeded_total[5m])', legendFormat: 'Succeeded' },
          { expr: 'rate(celery_task_failed_total[5m])', legendFormat: 'Failed' },
        ],
      },
    ],
  },
}

/** A query of a panel as it stands in the catalog. */
const query = ({ queries }: Panel, i = 0): string => queries[i]?.expr.text ?? ''

const ours = emittedDashboards()
const everyPanel = ours.flatMap(board => board.panels.map(panel => ({ board, panel })))

test.each([
  [39, 'it is wrapped in the body of an API request'],
  [40, 'Queue Depth Over Time: the type graph is gone'],
  [41, 'Queue Depth Over Time: an alert stands in the panel'],
  [42, 'it has no schemaVersion'],
  [42, 'it has no templating'],
  [42, 'it has no annotations'],
  [42, 'Worker Count: it has no overrides'],
  [43, 'it has no uid'],
  [43, 'Worker Count: it has no place'],
  [43, 'Worker Count: it has no data source'],
  [43, 'Worker Count: it has no unit'],
  [43, 'Tasks Completed vs Failed: its queries cannot be told apart'],
])('flaw %i: "%s" is said of the guide’s dashboard, and nothing is said of ours', (_, fault) => {
  expect(dashboardFaults(GUIDE)).toContain(fault)
  for (const board of ours) expect([board.uid, dashboardFaults(board)]).toEqual([board.uid, []])
})

test('flaw 44: the sidecar finds every dashboard by its label, and what it finds is the file', () => {
  const files = grafanaFiles({ labels: { team: 'x' } })
  const maps = parseAllDocuments(files['configmaps.yaml'] ?? '').map(
    document =>
      document.toJS() as {
        readonly kind: string
        readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> }
        readonly data: Readonly<Record<string, string>>
      },
  )
  expect(maps).toHaveLength(ours.length)
  for (const { kind, metadata, data } of maps) {
    expect(kind).toBe('ConfigMap')
    expect(metadata.labels).toMatchObject({ grafana_dashboard: '1', team: 'x' })
    expect(metadata.name).toMatch(/^[a-z0-9-]{1,63}$/)
    for (const [name, content] of Object.entries(data)) {
      expect(content).toBe(files[`dashboards/${name}`])
      expect(content.length).toBeLessThan(1024 * 1024)
    }
  }
  expect(maps.flatMap(({ data }) => Object.keys(data)).toSorted()).toEqual(
    dashboards.map(({ slug }) => `${slug}.json`).toSorted(),
  )
})

test('flaws 45 and 46: a container at its limit is shown at 100 %, alone, whatever else runs in its pod', async () => {
  const cpu = query(panels.workerCpu)
  const memory = query(panels.workerMemory)
  const of = (container: string) => ({ broker: 'default', container, worker: `celery@${container}` })
  const shown = (value: number) => ({
    '{broker="default", container="app", worker="celery@app"}': value,
    '{broker="default", container="idle", worker="celery@idle"}': 0,
  })
  expect(
    await ask(
      [
        line(metrics.containerCpu, of('app'), '100x20'),
        line(metrics.containerCpu, of('idle'), '0x20'),
        line(metrics.containerMemory, of('app'), '97x20'),
        line(metrics.containerMemory, of('idle'), '0x20'),
        { series: 'container_cpu_usage_seconds_total{pod="w", container="app"}', values: '0+15x20' },
        { series: 'container_cpu_usage_seconds_total{pod="w", container="POD"}', values: '0x20' },
      ],
      {
        at: '5m',
        values: {
          [cpu]: shown(100),
          [memory]: shown(97),
          // The guide's, on a pod whose one container is at 100 %.
          'avg(rate(container_cpu_usage_seconds_total{pod=~"w.*"}[5m])) by (pod) * 100 < bool 60': {
            '{pod="w"}': 1,
          },
        },
      },
    ),
  ).toEqual(AS_SAID)
})

test('flaw 47: succeeded and failed are one line each, however many tasks there are', async () => {
  const of = (task: string) => ({ broker: 'default', task, queue: 'reports' })
  const heard = line(metrics.sourceUp, { broker: 'default', source: 'events' }, '1x80')
  expect(
    await ask(
      [
        heard,
        line(metrics.taskSucceeded, of('a'), '0+15x80'),
        line(metrics.taskSucceeded, of('b'), '0+30x80'),
        line(metrics.taskFailed, { ...of('a'), exception: 'KeyError' }, '0+15x80'),
        line(metrics.taskFailed, { ...of('b'), exception: 'ValueError' }, '0+15x80'),
      ],
      {
        at: '15m',
        values: {
          [query(panels.completedFailed)]: { '{broker="default"}': 3 },
          [query(panels.completedFailed, 1)]: { '{broker="default"}': 2 },
          'count(rate(celery_task_succeeded_total[5m]))': { '{}': 2 },
        },
      },
    ),
  ).toEqual(AS_SAID)
  const legends = everyPanel
    .flatMap(({ panel }) => panel.targets ?? [])
    .map(({ legendFormat }) => legendFormat)
  expect(legends).not.toContain('')
  expect(panels.completedFailed.queries.map(fullLegend)).toEqual([
    'succeeded · {{broker}}',
    'failed · {{broker}}',
  ])
})

describe('dashboards', () => {
  test('show every panel of the catalog under the title that it has there', () => {
    const shown = new Set(everyPanel.map(({ panel }) => panel.title))
    for (const { title } of Object.values<Panel>(panels)) expect(shown).toContain(title)
  })

  test('each query parses, and narrows only by variables that its dashboard has', () => {
    for (const { board, panel } of everyPanel)
      for (const { expr } of panel.targets ?? []) {
        expect(() => parse(expr), `${panel.title}: ${expr}`).not.toThrow()
        const known = board.templating.list.map(({ name }) => name)
        for (const [, name] of expr.matchAll(/\$(\w+)/g)) expect(known).toContain(name)
      }
  })

  test('a limit is that of its alert under the config, on the side where things are bad', () => {
    const steps = (title: string, given: Parameters<typeof configureAlerts>[0]) =>
      emittedDashboards({ alerts: configureAlerts(given) })[0]?.panels.find(each => each.title === title)
        ?.fieldConfig.defaults.thresholds.steps
    expect(steps('Queue depth over time', { CeleryQueueDepthHigh: { threshold: 500 } })).toEqual([
      { color: 'green', value: null },
      { color: 'red', value: 500 },
    ])
    expect(steps('Worker count', {})).toEqual([
      { color: 'red', value: null },
      { color: 'green', value: 2 },
    ])
    expect(steps('Worker count', { CeleryLowRedundancy: { enabled: false } })).toEqual([
      { color: 'green', value: null },
    ])
  })

  test('the panel of each alert links to its runbook', () => {
    const urls = new Set(everyPanel.flatMap(({ panel }) => panel.links?.map(({ url }) => url) ?? []))
    for (const { slug } of alerts) expect(urls).toContain(`http://127.0.0.1:9808/runbooks/${slug}`)
  })

  test('ids stay what they are when another panel comes', () => {
    const overview = ours[0]?.panels.find(({ title }) => title === 'Queue depth over time')
    const twice = everyPanel.filter(({ panel }) => panel.title === 'Worker CPU usage')
    expect(overview?.id).toBe(1481318088)
    // One panel on two dashboards has one number.
    expect(new Set(twice.map(({ panel }) => panel.id)).size).toBe(1)
  })

  test('a data source that was named is everywhere, and nobody is asked for one', () => {
    for (const board of emittedDashboards({ datasource: 'mimir' })) {
      const text = JSON.stringify(board)
      expect(text).not.toContain('${datasource}')
      expect(board.templating.list.map(({ type }) => type)).not.toContain('datasource')
      for (const { targets = [] } of board.panels)
        for (const { datasource } of targets) expect(datasource.uid).toBe('mimir')
    }
    for (const board of ours) expect(board.templating.list[0]).toMatchObject({ type: 'datasource' })
  })

  test('no two things of one Grafana have one uid: folders and dashboards share them', () => {
    const [folder] = /(?<=folderUid: ).*/.exec(
      grafanaFiles()['provisioning/dashboards/celeriac.yaml'] ?? '',
    ) ?? ['none']
    const uids = [folder, ...ours.map(({ uid }) => uid)]
    expect(new Set(uids).size).toBe(uids.length)
  })

  test('alerts are marked on every dashboard, by an expression that parses', () => {
    for (const { annotations } of ours) {
      const marks = annotations.list.find(({ name }) => name === 'Alerts')
      expect(() => parse(marks?.expr ?? '')).not.toThrow()
    }
  })
})
