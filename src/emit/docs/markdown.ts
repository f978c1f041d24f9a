/** Small pieces of Markdown, laid out as prettier would, so that emitted pages pass the same check as written ones. */

/** A table with aligned columns; pipes inside cells are escaped. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [head, ...rows].map(row => row.map(cell => cell.replaceAll('|', String.raw`\|`)))
  const widths = head.map((_, column) => Math.max(3, ...cells.map(row => row[column]?.length ?? 0)))
  const line = (row: readonly string[]): string =>
    `| ${widths.map((width, column) => (row[column] ?? '').padEnd(width)).join(' | ')} |`
  const [first = [], ...others] = cells
  return [line(first), `| ${widths.map(width => '-'.repeat(width)).join(' | ')} |`, ...others.map(line)].join(
    '\n',
  )
}

export const code = (text: string): string => `\`${text}\``

export const fenced = (language: string, text: string): string => `\`\`\`${language}\n${text}\n\`\`\``

export const bullets = (items: readonly string[]): string => items.map(item => `- ${item}`).join('\n')

/** Blocks with an empty line between, and a line break at the end. */
export const page = (...blocks: readonly string[]): string => `${blocks.filter(Boolean).join('\n\n')}\n`
