import { Document, isScalar, visit } from 'yaml'

/** Writes data as YAML with a comment on top. Expressions of several lines become blocks; nothing is folded or aliased. */
export function toYaml(comment: string, data: unknown): string {
  const document = new Document(data, { aliasDuplicateObjects: false })
  visit(document, {
    Scalar(key, node) {
      if (key === 'key' || !isScalar(node) || typeof node.value !== 'string') return
      if (node.value.includes('\n')) node.type = 'BLOCK_LITERAL'
      else if (node.value.includes('{{')) node.type = 'QUOTE_DOUBLE'
    },
  })
  const head = comment
    .split('\n')
    .map(line => (line === '' ? '#' : `# ${line}`))
    .join('\n')
  return `${head}\n\n${document.toString({ lineWidth: 0, indentSeq: true })}`
}
