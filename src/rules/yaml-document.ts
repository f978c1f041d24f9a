import { isNode, LineCounter, parseDocument, visit } from 'yaml'
import { CeleriacError } from '../base/index.ts'

/** A YAML file as plain data, and where its parts stand. */
export interface YamlDocument {
  /** Maps, lists, null and texts: a number or a boolean is the text that stands in the file. */
  readonly value: unknown
  /** `file:line: path: message`, with the line of the nearest part that exists. */
  place(path: readonly PropertyKey[], message: string): string
}

/**
 * Reads YAML as Prometheus does: where it wants a text, `1.50`, `yes` and `true` are taken as they are written. Merge keys work.
 * Throws RULES_INVALID naming file, line and column.
 */
export function readYaml(text: string, file: string): YamlDocument {
  const lines = new LineCounter()
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: true,
    merge: true,
  })
  const broken = document.errors[0]
  if (broken !== undefined) {
    const { line, col } = lines.linePos(broken.pos[0])
    throw new CeleriacError('RULES_INVALID', `${file}:${line}:${col}: ${broken.message}`)
  }
  visit(document, {
    Scalar(key, node) {
      const isMergeKey = key === 'key' && node.source === '<<'
      if (isMergeKey || node.value === null || typeof node.value === 'string') return
      node.value = node.source ?? ''
    },
  })
  return {
    value: document.toJS(),
    place(path, message) {
      let at = ''
      for (let depth = path.length; depth > 0 && at === ''; depth--) {
        const node: unknown = document.getIn(path.slice(0, depth), true)
        if (isNode(node) && node.range) at = `${lines.linePos(node.range[0]).line}:`
      }
      return `${file}:${at} ${path.length === 0 ? '' : `${path.join('.')}: `}${message}`
    },
  }
}
