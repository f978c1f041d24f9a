import type { Tree } from '../text/tree.ts'

export interface AlertmanagerView {
  readonly root: Tree
  /** Undefined in a fragment that only holds receivers. */
  readonly route: Tree | undefined
  readonly receivers: readonly Tree[]
  /** The Secret or ConfigMap it stands in, and under which key. */
  readonly holder:
    { readonly kind: string; readonly name: string; readonly key: string; readonly tree: Tree } | undefined
}

const INTEGRATION = /^[a-z]+_configs$/

/** An Alertmanager configuration, or a fragment of one with receivers; undefined for anything else. */
export function readAlertmanager(
  root: Tree,
  holder?: AlertmanagerView['holder'],
): AlertmanagerView | undefined {
  const receivers = root.get('receivers')?.items ?? []
  const route = root.get('route')
  const hasIntegration = receivers.some(({ entries }) => entries.some(({ key }) => INTEGRATION.test(key)))
  const isConfig = route?.has('receiver') === true && receivers.some(receiver => receiver.has('name'))
  return isConfig || hasIntegration ? { root, route, receivers, holder } : undefined
}

/** Every integration of every receiver: its kind (`slack`, `pagerduty`, …) and its settings. */
export function integrations({
  receivers,
}: AlertmanagerView): readonly { readonly kind: string; readonly tree: Tree }[] {
  return receivers.flatMap(receiver =>
    receiver.entries
      .filter(({ key }) => INTEGRATION.test(key))
      .flatMap(({ key, value }) =>
        value.items.map(tree => ({ kind: key.slice(0, -'_configs'.length), tree })),
      ),
  )
}

/** Every route below a route, itself first, with the routes beside it. */
export function routesBelow(
  route: Tree,
  siblings: readonly Tree[] = [route],
): readonly { readonly route: Tree; readonly siblings: readonly Tree[] }[] {
  const children = route.get('routes')?.items ?? []
  return [{ route, siblings }, ...children.flatMap(child => routesBelow(child, children))]
}
