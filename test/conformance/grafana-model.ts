/** What a dashboard must be for Grafana to load it from a file and show it as meant; syntax checks say nothing of it. */
import { emitSettings, type EmitSettings, targets } from '../../src/emit/index.ts'

export interface Target {
  readonly refId: string
  readonly expr: string
  readonly legendFormat: string
  readonly instant: boolean
  readonly datasource: { readonly uid: string }
}

export interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly fieldConfig: {
    readonly defaults: {
      readonly unit: string
      readonly thresholds: {
        readonly steps: readonly { readonly color: string; readonly value: number | null }[]
      }
    }
  }
  readonly links: readonly { readonly url: string }[]
  readonly targets?: readonly Target[]
}

export interface Dashboard {
  readonly uid: string
  readonly title: string
  readonly panels: readonly Panel[]
  readonly templating: {
    readonly list: readonly {
      readonly type: string
      readonly name: string
      readonly definition?: string
      readonly allValue?: string
    }[]
  }
  readonly annotations: { readonly list: readonly { readonly name: string; readonly expr?: string }[] }
}

/** Files of the Grafana target by path. */
export const grafanaFiles = (given: Partial<EmitSettings> = {}): Readonly<Record<string, string>> =>
  Object.fromEntries(
    targets
      .find(({ name }) => name === 'grafana')
      ?.files(emitSettings(given))
      .map(({ path, content }) => [path, content]) ?? [],
  )

/** The emitted dashboards. */
export const emittedDashboards = (given: Partial<EmitSettings> = {}): readonly Dashboard[] =>
  Object.entries(grafanaFiles(given))
    .filter(([path]) => path.endsWith('.json'))
    .map(([, content]) => JSON.parse(content) as Dashboard)

/** Panels of today's Grafana; `graph` went with Angular. */
const TYPES: readonly unknown[] = ['timeseries', 'stat', 'gauge', 'table', 'row']

const WIDTH = 24

const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
const twice = (values: readonly unknown[]): boolean => new Set(values).size !== values.length

/** Everything wrong with a dashboard file; empty when it is right. */
export function dashboardFaults(file: unknown): readonly string[] {
  const faults: string[] = []
  const top = record(file)
  if (top['dashboard'] !== undefined) faults.push('it is wrapped in the body of an API request')
  const board = record(top['dashboard'] ?? file)
  for (const key of ['title', 'uid', 'schemaVersion', 'templating', 'annotations', 'time'])
    if (board[key] === undefined) faults.push(`it has no ${key}`)
  if (typeof board['uid'] === 'string' && !/^[a-zA-Z0-9_-]{1,40}$/.test(board['uid']))
    faults.push('its uid is not one that Grafana takes')
  const panels = list(board['panels']).map(record)
  if (twice(panels.map(({ id }) => id))) faults.push('two panels have one id')
  for (const panel of panels)
    faults.push(...panelFaults(panel).map(fault => `${String(panel['title'])}: ${fault}`))
  faults.push(...overlaps(panels))
  return faults
}

function panelFaults(panel: Readonly<Record<string, unknown>>): readonly string[] {
  const faults: string[] = []
  const { type, alert, fieldConfig, gridPos, datasource } = panel
  if (!TYPES.includes(type)) faults.push(`the type ${String(type)} is gone`)
  if (alert !== undefined) faults.push('an alert stands in the panel')
  if (gridPos === undefined) faults.push('it has no place')
  if (type === 'row') return faults
  const { defaults, overrides } = record(fieldConfig)
  if (datasource === undefined) faults.push('it has no data source')
  if (record(defaults)['unit'] === undefined) faults.push('it has no unit')
  if (overrides === undefined) faults.push('it has no overrides')
  const targetsOfPanel = list(panel['targets']).map(record)
  if (targetsOfPanel.length === 0) faults.push('it asks nothing')
  if (
    targetsOfPanel.some(({ refId }) => typeof refId !== 'string') ||
    twice(targetsOfPanel.map(({ refId }) => refId))
  )
    faults.push('its queries cannot be told apart')
  return faults
}

function overlaps(panels: readonly Readonly<Record<string, unknown>>[]): readonly string[] {
  const taken = new Map<string, string>()
  const faults = new Set<string>()
  for (const { title, gridPos } of panels) {
    const { x, y, w, h } = record(gridPos) as Partial<Panel['gridPos']>
    if (x === undefined || y === undefined || w === undefined || h === undefined) continue
    if (x + w > WIDTH || ![x, y, w, h].every(Number.isInteger))
      faults.add(`${String(title)}: it leaves the grid`)
    for (let column = x; column < x + w; column++)
      for (let line = y; line < y + h; line++) {
        const other = taken.get(`${column} ${line}`)
        if (other !== undefined) faults.add(`${String(title)} lies over ${other}`)
        taken.set(`${column} ${line}`, String(title))
      }
  }
  return [...faults]
}
