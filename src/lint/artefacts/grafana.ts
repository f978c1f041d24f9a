import { type Expression, panelExpression } from '../promql/expression.ts'
import type { Tree } from '../text/tree.ts'

export interface DashboardView {
  /** The dashboard itself, unwrapped. */
  readonly tree: Tree
  /** The request body around it (`{"dashboard": …}`), when it is wrapped so. */
  readonly wrapper: Tree | undefined
  readonly panels: readonly PanelView[]
  /** The ConfigMap it stands in. */
  readonly configMap:
    | { readonly name: string; readonly labels: Readonly<Record<string, string>>; readonly tree: Tree }
    | undefined
}

export interface PanelView {
  readonly tree: Tree
  readonly type: string
  readonly title: string
  readonly targets: readonly TargetView[]
}

export interface TargetView {
  readonly tree: Tree
  readonly expression: Expression | undefined
  readonly legend: Tree | undefined
}

/** A classic Grafana dashboard, bare or in a request body; undefined for anything else. */
export function readDashboard(root: Tree, configMap?: DashboardView['configMap']): DashboardView | undefined {
  const inner = root.get('dashboard')
  const wrapped = inner !== undefined && holdsPanels(inner)
  const tree = wrapped ? inner : root
  if (!holdsPanels(tree)) return undefined
  return { tree, wrapper: wrapped ? root : undefined, panels: panelsOf(tree).map(readPanel), configMap }
}

function holdsPanels(tree: Tree): boolean {
  if (!tree.has('title') && !tree.has('schemaVersion')) return false
  return panelsOf(tree).some(panel => panel.has('targets') || (panel.has('type') && panel.has('title')))
}

/** Panels, those inside collapsed rows and those of the rows of old dashboards too. */
function panelsOf(tree: Tree): readonly Tree[] {
  const own = tree.get('panels')?.items ?? []
  const rows = tree.get('rows')?.items ?? []
  return [...own.flatMap(panel => [panel, ...(panel.get('panels')?.items ?? [])]), ...rows.flatMap(panelsOf)]
}

const readPanel = (tree: Tree): PanelView => ({
  tree,
  type: tree.get('type')?.text ?? '',
  title: tree.get('title')?.text ?? '',
  targets: (tree.get('targets')?.items ?? []).map(readTarget),
})

function readTarget(target: Tree): TargetView {
  const expr = target.get('expr')
  return {
    tree: target,
    expression: expr?.text === undefined || expr.text === '' ? undefined : panelExpression(expr.source()),
    legend: target.get('legendFormat'),
  }
}
