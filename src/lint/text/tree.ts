import {
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node as YamlNode,
  parseAllDocuments,
} from 'yaml'
import { scalarSource } from './scalar.ts'
import type { Place, Source } from './source.ts'

/** One key of a map: where the key stands, and its value. */
export interface Entry {
  readonly key: string
  readonly keyPlace: Place
  readonly value: Tree
}

interface TreeParts {
  readonly place: Place
  readonly kind: 'map' | 'list' | 'text' | 'number' | 'boolean' | 'null'
  readonly value: string | number | boolean | null
  readonly entries: readonly Entry[]
  readonly items: readonly Tree[]
  readonly raw: string
  /** A YAML tag such as `!Ref`. */
  readonly tag: string | undefined
}

/** A part of a YAML or JSON document that knows where it stands. Aliases and merge keys are resolved. */
export class Tree {
  readonly place: Place
  readonly kind: TreeParts['kind']
  readonly tag: string | undefined
  readonly entries: readonly Entry[]
  readonly items: readonly Tree[]
  readonly #value: TreeParts['value']
  readonly #raw: string

  constructor(parts: TreeParts) {
    this.place = parts.place
    this.kind = parts.kind
    this.entries = parts.entries
    this.items = parts.items
    this.tag = parts.tag
    this.#value = parts.value
    this.#raw = parts.raw
  }

  entry(key: string): Entry | undefined {
    return this.entries.find(entry => entry.key === key)
  }

  has(key: string): boolean {
    return this.entry(key) !== undefined
  }

  /** The part at a path of keys and indexes. */
  get(...path: readonly (string | number)[]): Tree | undefined {
    const [step, ...rest] = path
    if (step === undefined) return this
    const next = typeof step === 'number' ? this.items[step] : this.entry(step)?.value
    return next?.get(...rest)
  }

  /** A text, or undefined for anything else. */
  get text(): string | undefined {
    return typeof this.#value === 'string' ? this.#value : undefined
  }

  /** A scalar as it would be read as text. */
  get scalar(): string | undefined {
    return this.kind === 'map' || this.kind === 'list' || this.#value === null
      ? undefined
      : String(this.#value)
  }

  get number(): number | undefined {
    return typeof this.#value === 'number' ? this.#value : undefined
  }

  get boolean(): boolean | undefined {
    return typeof this.#value === 'boolean' ? this.#value : undefined
  }

  /** The texts of a list. */
  get texts(): readonly string[] {
    return this.items.flatMap(item => item.scalar ?? [])
  }

  /** A map of scalars as texts. */
  get record(): Readonly<Record<string, string>> {
    return Object.fromEntries(
      this.entries.flatMap(({ key, value }) => (value.scalar === undefined ? [] : [[key, value.scalar]])),
    )
  }

  /** The value of a scalar as a text whose characters know where they stand. */
  source(): Source {
    const { source, start } = this.place
    return scalarSource(source, start, this.#raw, this.scalar ?? '')
  }
}

export interface TreeDocument {
  readonly root: Tree
}

/** What was read of a text: its documents, or where it is not YAML. */
export type Trees =
  | { readonly ok: true; readonly documents: readonly TreeDocument[] }
  | { readonly ok: false; readonly at: Place; readonly message: string }

/** Deeper nesting than any of these formats has: whoever nests deeper is out to exhaust the stack. */
const MAX_DEPTH = 200

/** Reads YAML (JSON is YAML) with one or several documents. Tags are kept, such as CloudFormation's `!Ref`. */
export function readTrees(source: Source): Trees {
  try {
    return parsedTrees(source)
  } catch (error) {
    // The parser is recursive: whoever nests a hundred thousand brackets exhausts its stack.
    if (error instanceof RangeError)
      return { ok: false, at: source.place(0, 0), message: 'the text is nested too deeply' }
    throw error
  }
}

function parsedTrees(source: Source): Trees {
  const parsed = parseAllDocuments(source.text, {
    lineCounter: new LineCounter(),
    prettyErrors: false,
    uniqueKeys: false,
    merge: true,
    logLevel: 'silent',
  })
  const documents: TreeDocument[] = []
  for (const document of Array.isArray(parsed) ? parsed : []) {
    const error = document.errors[0]
    if (error !== undefined)
      return { ok: false, at: source.place(error.pos[0], error.pos[1]), message: error.message }
    if (document.contents !== null) documents.push({ root: new Builder(source).tree(document.contents, 0) })
  }
  return { ok: true, documents }
}

/** Makes trees of one document. What has an anchor is made once, so that aliases of aliases cost nothing; one of itself is null. */
class Builder {
  readonly #source: Source
  readonly #anchors = new Map<string, Tree>()

  constructor(source: Source) {
    this.#source = source
  }

  tree(node: unknown, depth: number): Tree {
    if (isAlias(node)) return this.#anchors.get(node.source) ?? this.#scalar(undefined, null, 'null')
    const tree = this.#tree(node, depth)
    if (isNode(node) && 'anchor' in node && node.anchor !== undefined) this.#anchors.set(node.anchor, tree)
    return tree
  }

  #tree(node: unknown, depth: number): Tree {
    if (depth > MAX_DEPTH) return this.#scalar(undefined, null, 'null')
    if (isMap(node)) return this.#make(node, 'map', { entries: this.#entries(node, depth) })
    if (isSeq(node))
      return this.#make(node, 'list', { items: node.items.map(item => this.tree(item, depth + 1)) })
    if (!isScalar(node)) return this.#scalar(undefined, null, 'null')
    const { value } = node
    if (typeof value === 'string') return this.#scalar(node, value, 'text')
    if (typeof value === 'number') return this.#scalar(node, value, 'number')
    if (typeof value === 'bigint') return this.#scalar(node, Number(value), 'number')
    if (typeof value === 'boolean') return this.#scalar(node, value, 'boolean')
    return value === null || value === undefined
      ? this.#scalar(node, null, 'null')
      : this.#scalar(node, node.source ?? '', 'text')
  }

  #entries(map: { readonly items: readonly unknown[] }, depth: number): readonly Entry[] {
    const own: Entry[] = []
    const merged: Entry[] = []
    for (const item of map.items) {
      const { key, value } = item as { readonly key: unknown; readonly value: unknown }
      const keyTree = this.tree(key, depth + 1)
      const name = keyTree.scalar ?? ''
      const tree = this.tree(value, depth + 1)
      if (name === '<<')
        merged.push(...(tree.kind === 'list' ? tree.items.flatMap(each => each.entries) : tree.entries))
      else
        own.push({
          key: name,
          keyPlace: keyTree.place,
          value: tree.place.end === 0 ? emptyAt(tree, keyTree.place) : tree,
        })
    }
    return [...own, ...merged.filter(entry => !own.some(other => other.key === entry.key))]
  }

  #scalar(node: YamlNode | undefined, value: TreeParts['value'], kind: TreeParts['kind']): Tree {
    return this.#make(node, kind, { value })
  }

  #make(
    node: YamlNode | undefined,
    kind: TreeParts['kind'],
    parts: Partial<Pick<TreeParts, 'value' | 'entries' | 'items'>>,
  ): Tree {
    const [start, end] = node?.range ?? [0, 0]
    return new Tree({
      place: this.#source.place(start, end),
      kind,
      value: null,
      entries: [],
      items: [],
      raw: this.#source.text.slice(start, end),
      tag: node?.tag,
      ...parts,
    })
  }
}

const emptyAt = (tree: Tree, { source, end }: Place): Tree =>
  new Tree({
    place: source.place(end, end),
    kind: tree.kind,
    value: null,
    entries: [],
    items: [],
    raw: '',
    tag: undefined,
  })
