import { type Item, lex, TemplateError, type Token, unquote } from './lex.ts'
import { FUNCTION_NAMES } from './functions.ts'

/** What an argument may be. `at` is the offset in the template's text, `text` how Go prints the node in messages. */
export type Operand =
  | { readonly kind: 'dot'; readonly at: number; readonly text: string }
  | { readonly kind: 'nil'; readonly at: number; readonly text: string }
  | { readonly kind: 'bool'; readonly value: boolean; readonly at: number; readonly text: string }
  /** A bigint is an integer constant, a number a floating-point one. */
  | { readonly kind: 'number'; readonly value: bigint | number; readonly at: number; readonly text: string }
  | { readonly kind: 'string'; readonly value: string; readonly at: number; readonly text: string }
  | { readonly kind: 'function'; readonly name: string; readonly at: number; readonly text: string }
  | { readonly kind: 'field'; readonly names: readonly string[]; readonly at: number; readonly text: string }
  | {
      readonly kind: 'variable'
      readonly name: string
      readonly names: readonly string[]
      readonly at: number
      readonly text: string
    }
  | {
      readonly kind: 'pipeline'
      readonly pipeline: Pipeline
      readonly names: readonly string[]
      readonly at: number
      readonly text: string
    }

export interface Command {
  readonly args: readonly Operand[]
  readonly at: number
  readonly text: string
}

export interface Pipeline {
  /** Variables it sets, with their `$`. */
  readonly variables: readonly string[]
  /** `:=` makes new ones, `=` sets those of an outer scope. */
  readonly declares: boolean
  readonly commands: readonly Command[]
  readonly at: number
  readonly text: string
}

export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly pipeline: Pipeline }
  | {
      readonly kind: 'if' | 'with' | 'range'
      readonly pipeline: Pipeline
      readonly body: readonly Node[]
      readonly otherwise: readonly Node[]
    }
  | {
      readonly kind: 'template'
      readonly name: string
      readonly pipeline: Pipeline | undefined
      readonly at: number
    }
  | { readonly kind: 'break' | 'continue' }

export interface Template {
  readonly name: string
  readonly text: string
  readonly body: readonly Node[]
  readonly defined: ReadonlyMap<string, readonly Node[]>
}

/** Blocks and parentheses inside each other beyond this are refused: the parser recurses. */
const MAX_DEPTH = 100

/**
 * Parses a Go template (Go `text/template`), refusing what Go refuses: unknown functions, undeclared variables, unbalanced blocks.
 *
 * @throws TemplateError with Go's position and words: `template: NAME:LINE: what`.
 */
export function parseTemplate(name: string, text: string): Template {
  const parser = new Parser()
  try {
    return { name, text, ...parser.parse(lex(text)) }
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    const line = text.slice(0, parser.at).split('\n').length
    throw new TemplateError(`template: ${name}:${line}: ${error.message}`)
  }
}

const PARENTHESES = 'parenthesized pipeline'

type Stop = 'end' | 'else' | 'eof'

class Parser {
  at = 0
  #items: readonly Item[] = []
  #next = 0
  #depth = 0
  #loops = 0
  #variables: string[] = ['$']
  readonly #defined = new Map<string, readonly Node[]>()
  /** The action that ended a list, behind its keyword. */
  #elseTokens = new Tokens([])

  parse(items: readonly Item[]): Pick<Template, 'body' | 'defined'> {
    this.#items = items
    const { nodes, stop } = this.#list()
    if (stop !== 'eof') throw new TemplateError(`unexpected {{${stop}}}`)
    return { body: nodes, defined: this.#defined }
  }

  #list(): { readonly nodes: readonly Node[]; readonly stop: Stop } {
    const nodes: Node[] = []
    for (;;) {
      const item = this.#items[this.#next++]
      if (item === undefined) return { nodes, stop: 'eof' }
      this.at = item.at
      if (item.kind === 'text') {
        nodes.push({ kind: 'text', text: item.text })
        continue
      }
      const tokens = new Tokens(item.tokens)
      const [first] = tokens.rest()
      const keyword = first?.kind === 'identifier' ? first.text : ''
      if (KEYWORDS.has(keyword)) tokens.take()
      if (keyword === 'end') {
        tokens.finish('end')
        return { nodes, stop: 'end' }
      }
      if (keyword === 'else') {
        this.#elseTokens = tokens
        return { nodes, stop: 'else' }
      }
      const node = this.#node(keyword, tokens)
      if (node !== undefined) nodes.push(node)
    }
  }

  #node(keyword: string, tokens: Tokens): Node | undefined {
    switch (keyword) {
      case 'if':
      case 'with':
      case 'range':
        return this.#control(keyword, tokens)
      case 'define':
      case 'block':
        return this.#definition(keyword, tokens)
      case 'template': {
        const name = tokens.name('template clause')
        const pipeline = tokens.isDone() ? undefined : this.#pipeline(tokens, 'template clause')
        return { kind: 'template', name: unquote(name.text), pipeline, at: name.at }
      }
      case 'break':
      case 'continue':
        if (this.#loops === 0) throw new TemplateError(`{{${keyword}}} outside {{range}}`)
        tokens.finish(keyword)
        return { kind: keyword }
      default:
        return { kind: 'action', pipeline: this.#pipeline(tokens, 'command') }
    }
  }

  #definition(keyword: 'define' | 'block', tokens: Tokens): Node | undefined {
    const name = tokens.name(`${keyword} clause`)
    const pipeline = keyword === 'block' ? this.#pipeline(tokens, 'block clause') : undefined
    if (keyword === 'define') {
      tokens.finish('define clause')
      if (this.#depth > 0) throw new TemplateError('unexpected {{define}}')
    }
    const outer = this.#variables
    const loops = this.#loops
    this.#variables = ['$']
    this.#loops = 0
    const { nodes, stop } = this.#nested()
    if (stop !== 'end')
      throw new TemplateError(`unexpected ${stop === 'eof' ? 'EOF' : '{{else}}'} in ${keyword} clause`)
    this.#variables = outer
    this.#loops = loops
    this.#defined.set(unquote(name.text), nodes)
    return keyword === 'define'
      ? undefined
      : { kind: 'template', name: unquote(name.text), pipeline, at: name.at }
  }

  #nested(): { readonly nodes: readonly Node[]; readonly stop: Stop } {
    if (++this.#depth > MAX_DEPTH) throw new TemplateError('blocks are nested too deeply')
    const list = this.#list()
    this.#depth--
    return list
  }

  #control(kind: 'if' | 'with' | 'range', tokens: Tokens): Node {
    const scope = this.#variables.length
    const pipeline = this.#pipeline(tokens, kind)
    if (kind === 'range') this.#loops++
    const body = this.#nested()
    if (kind === 'range') this.#loops--
    if (body.stop === 'eof') throw new TemplateError('unexpected EOF')
    let otherwise: readonly Node[] = []
    if (body.stop === 'else') {
      const tokensOfElse = this.#elseTokens
      const first = tokensOfElse.peek()
      if (
        kind !== 'range' &&
        first?.kind === 'identifier' &&
        (first.text === 'if' || first.text === 'with')
      ) {
        // `else if` is an if inside the else, closed by the same end.
        tokensOfElse.take()
        if (++this.#depth > MAX_DEPTH) throw new TemplateError('blocks are nested too deeply')
        otherwise = [this.#control(first.text, tokensOfElse)]
        this.#depth--
      } else {
        tokensOfElse.finish('else')
        const list = this.#nested()
        if (list.stop !== 'end')
          throw new TemplateError(list.stop === 'eof' ? 'unexpected EOF' : 'expected end; found {{else}}')
        otherwise = list.nodes
      }
    }
    this.#variables.length = scope
    return { kind, pipeline, body: body.nodes, otherwise }
  }

  #pipeline(tokens: Tokens, context: string): Pipeline {
    const at = tokens.at
    const { variables, declares } = this.#declaration(tokens, context)
    const commands: Command[] = []
    for (;;) {
      const command = this.#command(tokens, commands.length === 0 ? context : 'command')
      const [first] = command.args
      // A constant can be given to no value: only the first command of a pipeline may be one.
      if (commands.length > 0 && first !== undefined && !CALLABLE.has(first.kind))
        throw new TemplateError(`non executable command in pipeline stage ${commands.length + 1}`)
      commands.push(command)
      if (tokens.peek()?.kind !== 'pipe') break
      tokens.take()
    }
    const left = tokens.peek()
    if (left !== undefined && !(left.kind === 'close' && context === PARENTHESES))
      throw new TemplateError(`unexpected ${JSON.stringify(left.text)} in ${context}`)
    if (declares) this.#variables.push(...variables)
    const text = commands.map(command => command.text).join(' | ')
    return {
      variables,
      declares,
      commands,
      at,
      text: variables.length === 0 ? text : `${variables.join(', ')} ${declares ? ':=' : '='} ${text}`,
    }
  }

  #declaration(
    tokens: Tokens,
    context: string,
  ): { readonly variables: readonly string[]; readonly declares: boolean } {
    const [first, second, third, fourth] = tokens.rest()
    if (first?.kind !== 'variable') return { variables: [], declares: false }
    if (second?.kind === 'declare' || second?.kind === 'assign') {
      tokens.take(2)
      this.#known(first, second.kind === 'assign')
      return { variables: [first.text], declares: second.kind === 'declare' }
    }
    if (second?.kind !== 'comma') return { variables: [], declares: false }
    if (
      context !== 'range' ||
      third?.kind !== 'variable' ||
      (fourth?.kind !== 'declare' && fourth?.kind !== 'assign')
    )
      throw new TemplateError(`too many declarations in ${context}`)
    tokens.take(4)
    this.#known(first, fourth.kind === 'assign')
    this.#known(third, fourth.kind === 'assign')
    return { variables: [first.text, third.text], declares: fourth.kind === 'declare' }
  }

  #known(variable: Token, isUsed: boolean): void {
    if (isUsed && !this.#variables.includes(variable.text))
      throw new TemplateError(`undefined variable "${variable.text}"`)
  }

  #command(tokens: Tokens, context: string): Command {
    const args: Operand[] = []
    const at = tokens.at
    for (;;) {
      const operand = this.#operand(tokens)
      if (operand === undefined) break
      args.push(operand)
      const next = tokens.peek()
      if (next === undefined || next.kind === 'pipe' || next.kind === 'close') break
      if (!tokens.isSpaced()) throw new TemplateError(`unexpected ${JSON.stringify(next.text)} in operand`)
    }
    if (args.length === 0) {
      const next = tokens.peek()
      throw new TemplateError(
        next === undefined
          ? `missing value for ${context}`
          : `unexpected ${JSON.stringify(next.text)} in ${context}`,
      )
    }
    return { args, at, text: args.map(arg => arg.text).join(' ') }
  }

  #operand(tokens: Tokens): Operand | undefined {
    const token = tokens.peek()
    if (token === undefined) return undefined
    const { at, text } = token
    switch (token.kind) {
      case 'identifier': {
        tokens.take()
        if (text === 'true' || text === 'false') return { kind: 'bool', value: text === 'true', at, text }
        if (text === 'nil') return { kind: 'nil', at, text }
        if (!FUNCTION_NAMES.has(text)) throw new TemplateError(`function "${text}" not defined`)
        return { kind: 'function', name: text, at, text }
      }
      case 'dot':
        tokens.take()
        return { kind: 'dot', at, text }
      case 'field': {
        tokens.take()
        const place = tokens.chainAt(at)
        const names = [text.slice(1), ...this.#fields(tokens)]
        return { kind: 'field', names, at: place, text: names.map(name => `.${name}`).join('') }
      }
      case 'variable': {
        tokens.take()
        this.#known(token, true)
        const place = tokens.chainAt(at)
        const names = this.#fields(tokens)
        return {
          kind: 'variable',
          name: text,
          names,
          at: place,
          text: text + names.map(name => `.${name}`).join(''),
        }
      }
      case 'number':
        tokens.take()
        return { kind: 'number', value: constant(text), at, text }
      case 'char': {
        tokens.take()
        const char = unquote(text)
        if (Array.from(char).length !== 1) throw new TemplateError(`malformed character constant: ${text}`)
        return { kind: 'number', value: BigInt(char.codePointAt(0) ?? 0), at, text }
      }
      case 'string':
        tokens.take()
        return { kind: 'string', value: unquote(text), at, text }
      case 'open': {
        tokens.take()
        if (++this.#depth > MAX_DEPTH) throw new TemplateError('parentheses are nested too deeply')
        const pipeline = this.#pipeline(tokens, PARENTHESES)
        this.#depth--
        if (tokens.peek()?.kind !== 'close') throw new TemplateError('unclosed left paren')
        tokens.take()
        const place = tokens.chainAt(at)
        const names = this.#fields(tokens)
        const path = names.map(name => `.${name}`).join('')
        return { kind: 'pipeline', pipeline, names, at: place, text: `(${pipeline.text})${path}` }
      }
      case 'assign':
      case 'close':
      case 'comma':
      case 'declare':
      case 'end':
      case 'pipe':
      case 'space':
        return undefined
    }
  }

  /** `.a.b` that stand directly behind each other. */
  #fields(tokens: Tokens): readonly string[] {
    const names: string[] = []
    while (tokens.peek()?.kind === 'field' && !tokens.isSpaced()) names.push(tokens.take().text.slice(1))
    return names
  }
}

const KEYWORDS: ReadonlySet<string> = new Set([
  'if',
  'with',
  'range',
  'else',
  'end',
  'define',
  'block',
  'template',
  'break',
  'continue',
])

const CALLABLE: ReadonlySet<Operand['kind']> = new Set(['function', 'field', 'variable', 'pipeline'])

/** Go's ideal constants: an integer unless a point or an exponent says otherwise. */
function constant(text: string): bigint | number {
  if (/^[+-]?0[xX]/.test(text) || /^[+-]?\d+$/.test(text)) {
    const digits = text.replace(/^[+-]/, '')
    const value = BigInt(digits)
    const signed = text.startsWith('-') ? -value : value
    if (signed > 0x7fffffffffffffffn || signed < -0x8000000000000000n)
      throw new TemplateError(`integer overflow: "${text}"`)
    return signed
  }
  return Number(text)
}

/** The tokens of one action, without the spaces, which are remembered where they matter. */
class Tokens {
  readonly #tokens: readonly Token[]
  readonly #spaced: readonly boolean[]
  readonly #endAt: number
  #next = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens.filter(token => token.kind !== 'space' && token.kind !== 'end')
    this.#spaced = tokens.flatMap((token, i) =>
      token.kind === 'space' || token.kind === 'end' ? [] : [tokens[i - 1]?.kind === 'space'],
    )
    this.#endAt = tokens.at(-1)?.at ?? 0
  }

  get at(): number {
    return this.#tokens[this.#next]?.at ?? this.#endAt
  }

  peek(): Token | undefined {
    return this.#tokens[this.#next]
  }

  /** Whether a space stands in front of the next token. */
  isSpaced(): boolean {
    return this.#spaced[this.#next] ?? false
  }

  /** Where Go places an operand in messages: at the field chained to it, if there is one. */
  chainAt(otherwise: number): number {
    const next = this.peek()
    return next?.kind === 'field' && !this.isSpaced() ? next.at : otherwise
  }

  isDone(): boolean {
    return this.#next >= this.#tokens.length
  }

  take(count = 1): Token {
    const token = this.#tokens[this.#next]
    if (token === undefined) throw new TemplateError('unexpected end of action')
    this.#next += count
    return token
  }

  rest(): readonly Token[] {
    return this.#tokens.slice(this.#next)
  }

  /** A quoted template name. */
  name(context: string): Token {
    const token = this.peek()
    if (token?.kind !== 'string')
      throw new TemplateError(`unexpected ${JSON.stringify(token?.text ?? '}}')} in ${context}`)
    return this.take()
  }

  finish(context: string): void {
    const left = this.peek()
    if (left !== undefined) throw new TemplateError(`unexpected ${JSON.stringify(left.text)} in ${context}`)
  }
}
