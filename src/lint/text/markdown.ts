import { linesOf, type Source } from './source.ts'

/** A fenced code block of a Markdown page. */
export interface CodeBlock {
  /** The first word after the fence, in lower case; empty when there is none. */
  readonly language: string
  readonly source: Source
}

const FENCE = /^([ \t>]*?)(`{3,}|~{3,})[ \t]*([\w+.-]*)[^`\n]*$/

/** The fenced code blocks of a page (CommonMark 0.31, section 4.5), also those indented below a list item. */
export function codeBlocks(page: Source): readonly CodeBlock[] {
  const blocks: CodeBlock[] = []
  const { text } = page
  let open: { fence: string; indent: number; language: string; start: number } | undefined
  for (let at = 0; at < text.length;) {
    const stop = text.indexOf('\n', at)
    const lineEnd = stop < 0 ? text.length : stop
    const line = text.slice(at, lineEnd).trimEnd()
    const match = FENCE.exec(line)
    if (open === undefined) {
      if (match !== null)
        open = {
          fence: match[2] ?? '',
          indent: (match[1] ?? '').length,
          language: (match[3] ?? '').toLowerCase(),
          start: Math.min(lineEnd + 1, text.length),
        }
    } else if (line.trimStart().startsWith(open.fence) && /^(`+|~+)$/.test(line.trim())) {
      blocks.push({ language: open.language, source: linesOf(page, open.start, at, open.indent) })
      open = undefined
    }
    at = lineEnd + 1
  }
  return blocks
}
