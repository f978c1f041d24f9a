import type { Tree } from '../text/tree.ts'

/** An object of Kubernetes; custom resources too. */
export interface KubernetesObject {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  /** Undefined when the manifest leaves it to whoever applies it. */
  readonly namespace: string | undefined
  readonly labels: Readonly<Record<string, string>>
  readonly tree: Tree
}

/** The objects of a document; a List is its items. */
export function readObjects(root: Tree): readonly KubernetesObject[] {
  const apiVersion = root.get('apiVersion')?.text
  const kind = root.get('kind')?.text
  if (apiVersion === undefined || kind === undefined) return []
  if (kind === 'List') return (root.get('items')?.items ?? []).flatMap(readObjects)
  return [
    {
      apiVersion,
      kind,
      name: root.get('metadata', 'name')?.scalar ?? '',
      namespace: root.get('metadata', 'namespace')?.scalar,
      labels: root.get('metadata', 'labels')?.record ?? {},
      tree: root,
    },
  ]
}

/** Whether labels answer a label selector (`matchLabels` and `matchExpressions`); an empty selector answers everything. */
export function answersSelector(
  selector: Tree | undefined,
  labels: Readonly<Record<string, string>>,
): boolean {
  const wanted = Object.entries(selector?.get('matchLabels')?.record ?? {})
  if (!wanted.every(([key, value]) => labels[key] === value)) return false
  return (selector?.get('matchExpressions')?.items ?? []).every(expression => {
    const value = labels[expression.get('key')?.text ?? '']
    const values = expression.get('values')?.texts ?? []
    switch (expression.get('operator')?.text ?? '') {
      case 'In':
        return value !== undefined && values.includes(value)
      case 'NotIn':
        return value === undefined || !values.includes(value)
      case 'Exists':
        return value !== undefined
      case 'DoesNotExist':
        return value === undefined
      default:
        return true
    }
  })
}

/** The template of the pods that a workload makes. */
export function podTemplate(object: KubernetesObject): Tree | undefined {
  if (object.kind === 'CronJob') return object.tree.get('spec', 'jobTemplate', 'spec', 'template')
  if (object.kind === 'Pod') return object.tree
  return object.tree.get('spec', 'template')
}
