/** Replaces `text.slice(start, end)`; offsets in UTF-16 units. */
export interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
}

/** Where something stands: offsets (end exclusive) in a source, which knows its file. */
export interface Place {
  readonly source: Source
  readonly start: number
  readonly end: number
}

/** How a text is written inside the text around it, which decides how a change to it must be written. */
export type Quoting = 'none' | 'plain' | 'block' | 'folded' | 'single' | 'double'

/** Hexadecimal digits behind an escape of double quotes, by its letter (YAML 1.2, section 5.7). */
export const ESCAPE_DIGITS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 }

/**
 * A text, and where each of its characters stands in the file: a block of a Markdown page, the value of a ConfigMap, an expression
 * in a rule. Offsets are UTF-16 units.
 */
export class Source {
  readonly file: string
  readonly text: string
  /** The whole file. */
  readonly root: Source
  readonly parent: Source | undefined
  readonly quoting: Quoting
  /** Offset in the parent of every character, and of the end. Undefined for a file itself. */
  readonly #offsets: Int32Array | undefined
  #lineStarts: readonly number[] | undefined

  private constructor(
    file: string,
    text: string,
    parent: Source | undefined,
    offsets: Int32Array | undefined,
    quoting: Quoting,
  ) {
    this.file = file
    this.text = text
    this.parent = parent
    this.root = parent === undefined ? this : parent.root
    this.#offsets = offsets
    this.quoting = quoting
  }

  static ofFile(file: string, text: string): Source {
    return new Source(file, text, undefined, undefined, 'none')
  }

  /** A text inside this one. `offsets` has one entry a character and one for the end. */
  inner(text: string, offsets: Int32Array, quoting: Quoting): Source {
    return new Source(this.file, text, this, offsets, quoting)
  }

  /** The offset in the file of an offset here. */
  toFile(offset: number): number {
    if (this.parent === undefined || this.#offsets === undefined) return offset
    const at = this.#offsets[Math.min(offset, this.#offsets.length - 1)] ?? 0
    return this.parent.toFile(at)
  }

  /** The offset in the file just behind the last character before `end`. */
  endInFile(start: number, end: number): number {
    return end <= start ? this.toFile(end) : this.toFile(end - 1) + 1
  }

  /** Line and column in the file, counted from 1. */
  position(offset: number): { readonly line: number; readonly column: number } {
    const at = this.toFile(offset)
    const starts = (this.root.#lineStarts ??= lineStarts(this.root.text))
    let low = 0
    let high = starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((starts[middle] ?? 0) <= at) low = middle
      else high = middle - 1
    }
    return { line: low + 1, column: at - (starts[low] ?? 0) + 1 }
  }

  place(start: number, end: number): Place {
    return { source: this, start, end }
  }

  /** The place of the first occurrence of a text, or of everything. */
  placeOf(text: string, from = 0): Place {
    const at = this.text.indexOf(text, from)
    return at < 0 ? this.place(0, this.text.length) : this.place(at, at + text.length)
  }

  /** A change here as a change of the file; undefined where it cannot be written without changing how the text is quoted. */
  toFileEdit({ start, end, text }: Edit): Edit | undefined {
    if (this.parent === undefined || this.#offsets === undefined) return { start, end, text }
    const written = this.#written(text, start, end)
    if (written === undefined) return undefined
    const from = this.#offsets[start] ?? 0
    const last = this.#offsets[end - 1] ?? 0
    const to = end > start ? last + this.#width(last) : from
    return this.parent.toFileEdit({ start: from, end: to, text: written })
  }

  /** How many characters of the parent write the one that begins at an offset of it. */
  #width(at: number): number {
    const text = this.parent?.text ?? ''
    if (this.quoting === 'double' && text[at] === '\\') return 2 + (ESCAPE_DIGITS[text[at + 1] ?? ''] ?? 0)
    return this.quoting === 'single' && text.startsWith("''", at) ? 2 : 1
  }

  #written(text: string, start: number, end: number): string | undefined {
    // Space at the beginning of a line would be its indentation.
    const isBlock = this.quoting === 'block' || this.quoting === 'folded'
    if (
      isBlock &&
      /^\s/.test(text + this.text.slice(end, end + 1)) &&
      (start === 0 || this.text[start - 1] === '\n')
    )
      return undefined
    switch (this.quoting) {
      case 'none':
      case 'block':
        return text.includes('\n') ? text.replaceAll('\n', `\n${this.#indentation(start)}`) : text
      case 'double':
        return JSON.stringify(text).slice(1, -1)
      case 'single':
        return text.includes('\n') ? undefined : text.replaceAll("'", "''")
      case 'folded':
        // Space in it may be a line break, and what is further in is not folded.
        return text.includes('\n') || /\s/.test(this.text[start] ?? this.text[start - 1] ?? ' ')
          ? undefined
          : text
      case 'plain':
        return /\n|: |:$| #|[[\]{},]/.test(text) ? undefined : text
    }
  }

  /** What stands in the parent before the line that `start` is on: the indentation of a block. */
  #indentation(start: number): string {
    const lineStart = this.text.lastIndexOf('\n', start - 1) + 1
    const outer = this.#offsets?.[lineStart] ?? 0
    const parent = this.parent?.text ?? ''
    const before = parent.slice(parent.lastIndexOf('\n', outer - 1) + 1, outer)
    return /^\s*$/.test(before) ? before : ''
  }
}

function lineStarts(text: string): readonly number[] {
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return starts
}

/** The lines of a text from one offset to another as a text of their own, each without its first `indent` characters of space. */
export function linesOf(source: Source, start: number, end: number, indent: number): Source {
  const offsets: number[] = []
  let text = ''
  let at = start
  while (at < end) {
    const stop = source.text.indexOf('\n', at)
    const lineEnd = stop < 0 || stop >= end ? end : stop + 1
    let from = at
    while (from < at + indent && (source.text[from] === ' ' || source.text[from] === '\t')) from++
    for (let i = from; i < lineEnd; i++) offsets.push(i)
    text += source.text.slice(from, lineEnd)
    at = lineEnd
  }
  offsets.push(end)
  return source.inner(text, Int32Array.from(offsets), indent === 0 ? 'none' : 'block')
}
