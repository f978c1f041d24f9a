import type { Tree } from '../text/tree.ts'

export interface FilebeatView {
  readonly root: Tree
  readonly inputs: readonly Tree[]
}

/** A Filebeat configuration; keys may be written with dots or nested. Undefined for anything else. */
export function readFilebeat(root: Tree): FilebeatView | undefined {
  const inputs = root.get('filebeat.inputs') ?? root.get('filebeat', 'inputs')
  return inputs?.kind === 'list' ? { root, inputs: inputs.items } : undefined
}
