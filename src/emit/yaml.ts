import { Document, isMap, isScalar, isSeq, type Node, visit } from 'yaml'

/** A comment above an entry: the path of keys and positions that leads to it, and what it says. */
export type YamlNote = readonly [path: readonly (string | number)[], text: string]

/**
 * Writes data as YAML with a comment on top, and notes above the entries they name. Expressions of several lines become blocks;
 * nothing is folded or aliased. Templates are quoted, and texts that a YAML 1.1 parser, as most readers of such files are, would take
 * for something else (`on`, a date). Throws when a note names an entry that is not there: it would be lost.
 */
export function toYaml(comment: string, data: unknown, notes: readonly YamlNote[] = []): string {
  const document = new Document(data, { aliasDuplicateObjects: false, compat: 'yaml-1.1' })
  visit(document, {
    Scalar(key, node) {
      if (key === 'key' || !isScalar(node) || typeof node.value !== 'string') return
      if (node.value.includes('\n')) node.type = 'BLOCK_LITERAL'
      else if (node.value.includes('{{'))
        node.type = node.value.includes('"') && !node.value.includes("'") ? 'QUOTE_SINGLE' : 'QUOTE_DOUBLE'
    },
  })
  for (const [path, text] of notes) entryAt(document, path).commentBefore = commented(text, ' ')
  return `${commented(comment, '# ')}\n\n${document.toString({ lineWidth: 0, indentSeq: true })}`
}

/** Several documents in one stream, as `kubectl apply -f -` reads them. */
export const yamlStream = (documents: readonly string[]): string => documents.join('---\n')

/** Each line after `mark`, empty ones without the space at its end. */
const commented = (text: string, mark: string): string =>
  text
    .split('\n')
    .map(line => (line === '' ? mark.trimEnd() : mark + line))
    .join('\n')

/** The node before which the comment of an entry stands: its key in a map, itself in a list. */
function entryAt(document: Document, path: readonly (string | number)[]): Node {
  const last = path.at(-1)
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true)
  const entry = isMap(parent)
    ? parent.items.find(({ key }) => isScalar(key) && key.value === last)?.key
    : isSeq(parent) && typeof last === 'number'
      ? parent.items[last]
      : undefined
  if (entry === undefined || entry === null) throw new Error(`No entry ${path.join('.')} to comment on.`)
  return entry as Node
}
