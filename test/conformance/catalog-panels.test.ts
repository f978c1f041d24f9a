/** Panels and dashboards of the catalog: what they show is declared, sound, narrowed by what readers choose, and told apart. */
import { describe, expect, test } from 'vitest'
import {
  type Alert,
  type AlertName,
  alerts,
  dashboards,
  fullLegend,
  metrics,
  narrowed,
  type Panel,
  panels,
} from '../../src/catalog/index.ts'
import { latest, quantile } from '../../src/catalog/expr.ts'
import { parse, walk } from '../../src/promql/index.ts'
import { faultsOf, resultLabels, SERIES } from './catalog-semantics.ts'

const everyAlert: readonly Alert[] = alerts

test('every panel that draws a limit draws one of its own unit', () => {
  for (const panel of Object.values(panels)) {
    const limit: AlertName | undefined = 'limit' in panel ? panel.limit : undefined
    if (limit === undefined) continue
    expect([panel.id, everyAlert.find(({ name }) => name === limit)?.threshold.unit]).toEqual([
      panel.id,
      panel.unit,
    ])
  }
})

test('the eight panels of the guide are there, and the six tiles of the Overview', () => {
  const all = Object.values(panels)
  expect(all.flatMap(panel => ('guide' in panel ? [panel.guide] : [])).sort()).toEqual([
    1, 2, 3, 4, 5, 6, 7, 8,
  ])
  expect(dashboards[0]?.rows[0]?.panels.map(({ id }) => id)).toEqual([
    'oldest-message',
    'waiting',
    'task-rate',
    'failure-ratio-now',
    'runtime-p95',
    'workers-online',
  ])
})

describe('dashboards', () => {
  const everyPanel: readonly Panel[] = Object.values(panels)
  const placed = dashboards.flatMap(board =>
    board.rows.flatMap(row => row.panels.map(panel => [board, panel] as const)),
  )

  test('every panel has a place, the eight of the guide on the first', () => {
    expect(everyPanel.filter(panel => !placed.some(([, other]) => other === panel))).toEqual([])
    expect(
      placed
        .flatMap(([board, { guide }]) => (board === dashboards[0] && guide !== undefined ? [guide] : []))
        .sort(),
    ).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    expect(new Set(dashboards.map(({ slug }) => slug)).size).toBe(5)
  })

  test('no panel stands twice on a dashboard', () => {
    for (const { rows } of dashboards) {
      const ids = rows.flatMap(row => row.panels.map(({ id }) => id))
      expect(ids).toEqual([...new Set(ids)])
    }
  })

  test('narrowed to chosen values, every query stays sound and every selector that can is narrowed', () => {
    for (const [{ variables }, { queries }] of placed)
      for (const { expr } of queries) {
        const text = narrowed(expr, variables)
        expect(faultsOf(text)).toEqual([])
        walk(parse(text), node => {
          if (node.type !== 'selector') return
          const can = variables.filter(label => SERIES.get(node.name ?? '')?.labels.includes(label))
          expect([text, node.matchers.map(({ name }) => name)]).toEqual([
            text,
            expect.arrayContaining([...can]),
          ])
        })
      }
  })

  test('what a selector names already stays as it is, and text in quotes is left alone', () => {
    const expr = latest(metrics.queueDepth, { queue: 'celery_queue_depth{a}"' })
    expect(narrowed(expr, ['broker', 'queue', 'worker'])).toBe(
      String.raw`max by (broker, queue) (celery_queue_depth{queue="celery_queue_depth{a}\"", broker=~"$broker"})`,
    )
    expect(narrowed(quantile(0.5, metrics.taskWait, ['broker']), ['task'])).toBe(
      'histogram_quantile(0.5, sum by (le, broker) (rate(celery_task_wait_time_seconds_bucket{task=~"$task"}[5m])))',
    )
  })

  test('legends name labels that the result has; with several brokers none is the same twice', () => {
    for (const panel of everyPanel)
      for (const query of panel.queries)
        for (const labels of resultLabels(query.expr.text)) {
          const named = [...fullLegend(query).matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label)
          expect([panel.id, named.filter(label => label !== 'instance' && !labels.includes(label))]).toEqual([
            panel.id,
            [],
          ])
          // A table shows all labels; the container is known by its name alone, and Celeriac's own lines by their instance.
          if (panel.kind === 'chart')
            expect([panel.id, labels.filter(label => !named.includes(label) && label !== 'worker')]).toEqual([
              panel.id,
              [],
            ])
        }
  })

  test('a panel has the limit of an alert or colours of its own, never both; steps ascend', () => {
    for (const { id, limit, steps } of everyPanel) {
      expect([id, limit !== undefined && steps !== undefined]).toEqual([id, false])
      expect(steps ?? []).toEqual((steps ?? []).toSorted((a, b) => a.from - b.from))
    }
  })
})
