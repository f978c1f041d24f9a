/**
 * The part of Grafana's classic dashboard model that is emitted (grafana/kinds/dashboard/dashboard_kind.cue, schema version 39:
 * Grafana 10.3 and later read it and migrate it by themselves). Typed so that a key of another name does not compile.
 */

/** Grafana 10.3's. */
export const SCHEMA_VERSION = 39

export interface DatasourceRef {
  readonly type: 'prometheus' | 'grafana'
  readonly uid: string
}

export interface GridPos {
  readonly x: number
  readonly y: number
  readonly w: number
  readonly h: number
}

export interface ThresholdStep {
  readonly color: string
  /** null is everything below the next step. */
  readonly value: number | null
}

export interface ValueMapping {
  readonly type: 'value'
  readonly options: Readonly<Record<string, { readonly text: string; readonly index: number }>>
}

export interface FieldConfig {
  readonly defaults: {
    readonly unit: string
    readonly noValue: string
    readonly color: { readonly mode: 'palette-classic' | 'thresholds' }
    readonly thresholds: { readonly mode: 'absolute'; readonly steps: readonly ThresholdStep[] }
    readonly mappings: readonly ValueMapping[]
    readonly min?: number
    readonly max?: number
    readonly custom?: Readonly<Record<string, unknown>>
  }
  readonly overrides: readonly never[]
}

export interface QueryTarget {
  readonly refId: string
  readonly datasource: DatasourceRef
  readonly expr: string
  readonly legendFormat: string
  readonly editorMode: 'code'
  readonly format: 'time_series' | 'table'
  readonly instant: boolean
  readonly range: boolean
}

export interface PanelLink {
  readonly title: string
  readonly url: string
  readonly targetBlank: true
}

export interface DataPanel {
  readonly id: number
  readonly type: 'timeseries' | 'stat' | 'gauge' | 'table'
  readonly title: string
  readonly description: string
  readonly datasource: DatasourceRef
  readonly gridPos: GridPos
  readonly links: readonly PanelLink[]
  readonly fieldConfig: FieldConfig
  readonly options: Readonly<Record<string, unknown>>
  readonly targets: readonly QueryTarget[]
  readonly transformations?: readonly {
    readonly id: string
    readonly options: Readonly<Record<string, unknown>>
  }[]
}

export interface RowPanel {
  readonly id: number
  readonly type: 'row'
  readonly title: string
  readonly collapsed: false
  readonly gridPos: GridPos
  readonly panels: readonly never[]
}

export interface QueryVariable {
  readonly type: 'query'
  readonly name: string
  readonly label: string
  readonly datasource: DatasourceRef
  readonly definition: string
  readonly query: { readonly query: string; readonly refId: string }
  readonly refresh: 2
  readonly sort: 1
  readonly multi: true
  readonly includeAll: true
  readonly allValue: string
  readonly current: { readonly text: readonly string[]; readonly value: readonly string[] }
  readonly options: readonly never[]
  readonly hide: 0
}

export interface DatasourceVariable {
  readonly type: 'datasource'
  readonly name: string
  readonly label: string
  readonly query: 'prometheus'
  readonly refresh: 1
  readonly multi: false
  readonly includeAll: false
  readonly options: readonly never[]
  readonly hide: 0
}

export interface Annotation {
  readonly name: string
  readonly datasource: DatasourceRef
  readonly enable: true
  readonly hide: boolean
  readonly iconColor: string
  readonly builtIn?: 1
  readonly type?: 'dashboard'
  readonly expr?: string
  readonly step?: string
  readonly titleFormat?: string
  readonly textFormat?: string
  readonly tagKeys?: string
}

export interface DashboardLink {
  readonly type: 'dashboards' | 'link'
  readonly title: string
  readonly tags: readonly string[]
  readonly url: string
  readonly icon: 'external link'
  readonly tooltip: string
  readonly asDropdown: boolean
  readonly includeVars: boolean
  readonly keepTime: boolean
  readonly targetBlank: boolean
}

export interface GrafanaDashboard {
  readonly uid: string
  readonly title: string
  readonly description: string
  readonly tags: readonly string[]
  readonly schemaVersion: typeof SCHEMA_VERSION
  readonly version: number
  readonly editable: true
  readonly graphTooltip: 1
  readonly refresh: string
  readonly timezone: 'browser'
  readonly time: { readonly from: string; readonly to: string }
  readonly templating: { readonly list: readonly (DatasourceVariable | QueryVariable)[] }
  readonly annotations: { readonly list: readonly Annotation[] }
  readonly links: readonly DashboardLink[]
  readonly panels: readonly (RowPanel | DataPanel)[]
}
