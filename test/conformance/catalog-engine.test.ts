/**
 * The scenes of the catalog, read back from the emitted rule files, in our own store, evaluator and alert state machine: what
 * promtool says of a rule, Celeriac says too, though its windows are open on the left as Prometheus 3's are.
 */
import { expect, test } from 'vitest'
import { Labels, METRIC_NAME, type Sample } from '../../src/base/index.ts'
import { type Alert, alerts, type Scene, SCENE_STEP_MS, type SceneSeries } from '../../src/catalog/index.ts'
import { emitRuleFile } from '../../src/emit/index.ts'
import { evaluateInstant, parse } from '../../src/promql/index.ts'
import { createRules, parseRuleFile } from '../../src/rules/index.ts'
import { createHead } from '../../src/store/index.ts'

const EPOCH_MS = 1_700_000_000_000
const everyAlert: readonly Alert[] = alerts
const groups = parseRuleFile(emitRuleFile().content, 'celery.rules.yml')

/** The labels of `name{a="b"}`, as our own parser reads them. */
function labelsOf(series: string): Labels {
  const tree = parse(series)
  if (tree.type !== 'selector') throw new Error(`not a series: ${series}`)
  return Labels.fromEntries(tree.matchers.map(({ name, value }) => [name, value]))
}

/** Values on the grid; undefined is a gap and 'stale' an end. Reads what scenes use: `3x4`, `0+5x4`, `9-1x4`, `7`, `stale`. */
function valuesOf(notation: string): readonly (number | 'stale')[] {
  return notation.split(' ').flatMap((part): readonly (number | 'stale')[] => {
    if (part === 'stale') return ['stale']
    const match = /^(-?[\d.]+)(?:([+-][\d.]+)?x(\d+))?$/.exec(part)
    if (match === null) throw new Error(`not a value: ${part}`)
    const [, start = '', step = '0', times = '0'] = match
    return Array.from({ length: Number(times) + 1 }, (_, i) => Number(start) + i * Number(step))
  })
}

async function play(
  scene: Scene,
): Promise<readonly (readonly [name: string, labels: object, texts: object])[]> {
  const head = createHead({ maxSeries: 10_000, retentionMs: 24 * 3_600_000 })
  const rules = createRules({
    groups,
    query: (expr, atMs) => {
      const { result } = evaluateInstant(expr, atMs, head)
      return result.type === 'vector' ? result.samples : []
    },
    write: (producer, atMs, samples) => head.appendCycle(producer, atMs, samples),
  })
  const series = scene.series.map(({ series: name, values }: SceneSeries) => ({
    labels: labelsOf(name),
    values: valuesOf(values),
  }))
  for (let step = 0; step * SCENE_STEP_MS <= scene.atMs; step++) {
    const atMs = EPOCH_MS + step * SCENE_STEP_MS
    head.appendCycle(
      'scene',
      atMs,
      series.flatMap(({ labels, values }): readonly Sample[] => {
        const value = values[step]
        return typeof value === 'number' ? [{ labels, value }] : []
      }),
    )
    for (const group of groups) await rules.evaluate(group, atMs)
  }
  for (const status of rules.status())
    for (const { lastError } of status.rules) expect(lastError).toBeUndefined()
  return rules
    .activeAlerts()
    .filter(({ state }) => state === 'firing')
    .map(({ labels, annotations }) => [
      labels.get('alertname'),
      { ...labels.withoutMetric().toJSON() },
      annotations,
    ])
}

const scenes = everyAlert.flatMap(alert => [
  ...alert.scenes.fires.map(scene => [`${alert.name} fires: ${scene.title}`, alert, scene] as const),
  ...alert.scenes.quiet.map(scene => [`${alert.name} stays quiet: ${scene.title}`, alert, scene] as const),
])

test.each(scenes)('%s', async (_, alert, scene) => {
  const firing = (await play(scene)).filter(([name]) => name === alert.name)
  const expected = scene.alerts.map(({ labels, summary, description }) => [
    alert.name,
    { ...labels, alertname: alert.name, severity: alert.severity, component: alert.component },
    expect.objectContaining({ summary, description }),
  ])
  expect(firing).toHaveLength(expected.length)
  expect(firing).toEqual(expect.arrayContaining(expected))
})

test('the notation of scenes is read as promtool reads it', () => {
  expect(valuesOf('5x2 1 stale 0+0.5x2 9-3x1')).toEqual([5, 5, 5, 1, 'stale', 0, 0.5, 1, 9, 6])
  expect(labelsOf('a{b="c"}').get(METRIC_NAME)).toBe('a')
})
