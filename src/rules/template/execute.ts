import { fieldOf } from './compare.ts'
import { functionNamed, type Parameter, type TemplateFunction, type TemplateWorld } from './functions.ts'
import { TemplateError } from './lex.ts'
import type { Command, Node, Operand, Pipeline, Template } from './parse.ts'
import {
  isList,
  isMap,
  isTrue,
  printValue,
  TemplateArguments,
  TemplateData,
  TemplateSample,
  typeName,
  type Value,
} from './value.ts'

/** Nodes run, templates inside templates, and characters written beyond which a template is stopped: it may call itself. */
const MAX_NODES = 200_000
const MAX_DEPTH = 100
const MAX_OUTPUT = 1 << 20

/**
 * Runs a template.
 *
 * @throws TemplateError with Go's position and words: `template: NAME:LINE:COLUMN: executing "NAME" at <NODE>: what`. Whatever
 * `world.query` throws that is no TemplateError passes through.
 */
export function execute(template: Template, data: TemplateData, world: TemplateWorld): string {
  const run = new Run(template, world)
  run.list(template.body, data, [{ name: '$', value: data }], template.name)
  return run.output
}

interface Variable {
  readonly name: string
  value: Value
}

type Flow = 'on' | 'break' | 'continue'

/** Where a fault was found: an offset in the text and the node as Go prints it. */
interface Place {
  readonly at: number
  readonly text: string
}

/** A value given through a pipe; `undefined` as a value is nil, so its absence needs a form of its own. */
type Piped = { readonly value: Value } | undefined

class Run {
  output = ''
  readonly #template: Template
  readonly #world: TemplateWorld
  #variables: Variable[] = []
  #name = ''
  #nodes = 0
  #depth = 0

  constructor(template: Template, world: TemplateWorld) {
    this.#template = template
    this.#world = world
  }

  list(nodes: readonly Node[], dot: Value, variables: Variable[], name: string): void {
    const outerVariables = this.#variables
    const outerName = this.#name
    this.#variables = variables
    this.#name = name
    this.#walk(nodes, dot)
    this.#variables = outerVariables
    this.#name = outerName
  }

  #walk(nodes: readonly Node[], dot: Value): Flow {
    for (const node of nodes) {
      const flow = this.#node(node, dot)
      if (flow !== 'on') return flow
    }
    return 'on'
  }

  #node(node: Node, dot: Value): Flow {
    if (++this.#nodes > MAX_NODES) throw new TemplateError(`template: ${this.#template.name}: runs too long`)
    switch (node.kind) {
      case 'text':
        this.#write(node.text)
        return 'on'
      case 'action': {
        const value = this.#pipeline(node.pipeline, dot)
        if (node.pipeline.variables.length === 0)
          this.#write(value === undefined ? '<no value>' : printValue(value))
        return 'on'
      }
      case 'if':
      case 'with': {
        const scope = this.#variables.length
        const value = this.#pipeline(node.pipeline, dot)
        let flow: Flow
        if (isTrue(value)) flow = this.#walk(node.body, node.kind === 'with' ? value : dot)
        else flow = this.#walk(node.otherwise, dot)
        this.#variables.length = scope
        return flow
      }
      case 'range':
        return this.#range(node.pipeline, node.body, node.otherwise, dot)
      case 'template': {
        const body = this.#template.defined.get(node.name)
        const place = { at: node.at, text: `{{template ${JSON.stringify(node.name)}}}` }
        if (body === undefined) this.#fail(place, `template ${JSON.stringify(node.name)} not defined`)
        if (++this.#depth > MAX_DEPTH) this.#fail(place, `exceeded maximum template depth (${MAX_DEPTH})`)
        const value = node.pipeline === undefined ? undefined : this.#pipeline(node.pipeline, dot)
        this.list(body, value, [{ name: '$', value }], node.name)
        this.#depth--
        return 'on'
      }
      case 'break':
      case 'continue':
        return node.kind
    }
  }

  #range(pipeline: Pipeline, body: readonly Node[], otherwise: readonly Node[], dot: Value): Flow {
    const scope = this.#variables.length
    const value = this.#pipeline({ ...pipeline, variables: [] }, dot)
    const entries = this.#entries(value, pipeline)
    const inner = this.#variables.length
    for (const [key, element] of entries) {
      const [first, second] = pipeline.variables
      if (second !== undefined) {
        this.#set(first ?? '', key, pipeline.declares)
        this.#set(second, element, pipeline.declares)
      } else if (first !== undefined) this.#set(first, element, pipeline.declares)
      const flow = this.#walk(body, element)
      this.#variables.length = inner
      if (flow === 'break') break
    }
    const flow = entries.length === 0 ? this.#walk(otherwise, dot) : 'on'
    this.#variables.length = scope
    return flow
  }

  #entries(value: Value, place: Place): readonly (readonly [Value, Value])[] {
    if (value === undefined) return []
    if (isList(value)) return value.map((sample, i) => [BigInt(i), sample])
    const map = isMap(value) ? value : value instanceof TemplateArguments ? value.values : undefined
    if (map === undefined) this.#fail(place, `range can't iterate over ${printValue(value)}`)
    return [...map.keys()].sort().map(key => [key, map.get(key)])
  }

  #set(name: string, value: Value, declares: boolean): void {
    if (declares) {
      this.#variables.push({ name, value })
      return
    }
    const variable = this.#variables.findLast(known => known.name === name)
    if (variable !== undefined) variable.value = value
  }

  #pipeline(pipeline: Pipeline, dot: Value): Value {
    let piped: Piped
    for (const command of pipeline.commands) piped = { value: this.#command(command, dot, piped) }
    const value = piped?.value
    for (const name of pipeline.variables) this.#set(name, value, pipeline.declares)
    return value
  }

  #command(command: Command, dot: Value, piped: Piped): Value {
    const [first, ...args] = command.args
    if (first === undefined) return undefined
    if (first.kind === 'function') return this.#call(first, args, command, dot, piped)
    if (args.length > 0 || piped !== undefined) {
      if (first.kind === 'pipeline' && first.names.length === 0)
        this.#fail(first, `can't give argument to non-function ${first.text}`)
      if (first.kind === 'field' || first.kind === 'variable' || first.kind === 'pipeline') {
        const last = first.names.at(-1)
        this.#fail(
          first,
          last === undefined
            ? `can't give argument to non-function ${first.text}`
            : `${last} has arguments but cannot be invoked as function`,
        )
      }
      this.#fail(first, `can't give argument to non-function ${first.text}`)
    }
    if (first.kind === 'nil') this.#fail(first, 'nil is not a command')
    return this.#operand(first, dot)
  }

  #operand(operand: Operand, dot: Value): Value {
    switch (operand.kind) {
      case 'dot':
        return dot
      case 'nil':
        return undefined
      case 'bool':
      case 'number':
      case 'string':
        return operand.value
      case 'field':
        return this.#fields(dot, operand.names, operand)
      case 'variable':
        return this.#fields(
          this.#variables.findLast(({ name }) => name === operand.name)?.value,
          operand.names,
          operand,
        )
      case 'pipeline':
        return this.#fields(this.#pipeline(operand.pipeline, dot), operand.names, operand)
      case 'function':
        return this.#call(operand, [], operand, dot, undefined)
    }
  }

  #fields(value: Value, names: readonly string[], place: Place): Value {
    let found = value
    for (const name of names) {
      if (found instanceof TemplateData) {
        if (!found.fields.has(name))
          this.#fail(place, `can't evaluate field ${name} in type ${typeName(found)}`)
        found = found.fields.get(name)
        continue
      }
      const from = found
      found = this.#guard(place, () => fieldOf(from, name))
    }
    return found
  }

  #call(
    operand: Operand & { readonly kind: 'function' },
    args: readonly Operand[],
    place: Place,
    dot: Value,
    piped: Piped,
  ): Value {
    const { name } = operand
    if (name === 'and' || name === 'or') return this.#logic(name, args, operand, dot, piped)
    const definition = functionNamed(name)
    if (definition === undefined) this.#fail(operand, `${JSON.stringify(name)} is not a defined function`)
    const given = args.length + (piped === undefined ? 0 : 1)
    const { parameters, rest } = definition
    if (rest === undefined ? given !== parameters.length : given < parameters.length) {
      const wanted = rest === undefined ? `want ${parameters.length}` : `want at least ${parameters.length}`
      this.#fail(operand, `wrong number of args for ${name}: ${wanted} got ${given}`)
    }
    const values = args.map((arg, i) => this.#argument(arg, parameterAt(definition, i), dot))
    if (piped !== undefined) {
      this.#validate(piped.value, parameterAt(definition, args.length), place)
      values.push(piped.value)
    }
    return this.#guard(place, () => definition.call(values, this.#world), `error calling ${name}: `)
  }

  /** `and` gives its first empty argument, `or` its first non-empty one, else the last; the others are not evaluated. */
  #logic(name: 'and' | 'or', args: readonly Operand[], place: Place, dot: Value, piped: Piped): Value {
    if (args.length === 0 && piped === undefined)
      this.#fail(place, `wrong number of args for ${name}: want at least 1 got 0`)
    let value: Value
    for (const arg of args) {
      value = this.#operand(arg, dot)
      if (isTrue(value) === (name === 'or')) return value
    }
    return piped === undefined ? value : piped.value
  }

  #argument(operand: Operand, parameter: Parameter, dot: Value): Value {
    const isConstant = operand.kind === 'number' || operand.kind === 'string' || operand.kind === 'bool'
    if (isConstant && parameter !== 'any') {
      if (parameter === 'string' && operand.kind !== 'string')
        this.#fail(operand, `expected string; found ${operand.text}`)
      if (parameter === 'int' && typeof operand.value !== 'bigint')
        this.#fail(operand, `expected integer; found ${operand.text}`)
      if (parameter === 'sample' || parameter === 'result')
        this.#fail(operand, `can't handle ${operand.text} for arg of type ${TYPES[parameter]}`)
    }
    const value = this.#operand(operand, dot)
    this.#validate(value, parameter, operand)
    return value
  }

  #validate(value: Value, parameter: Parameter, place: Place): void {
    if (parameter === 'any') return
    const fits =
      (parameter === 'string' && typeof value === 'string') ||
      (parameter === 'int' && typeof value === 'bigint') ||
      (parameter === 'sample' && value instanceof TemplateSample) ||
      (parameter === 'result' && isList(value))
    if (fits) return
    this.#fail(
      place,
      value === undefined
        ? `invalid value; expected ${TYPES[parameter]}`
        : `wrong type for value; expected ${TYPES[parameter]}; got ${typeName(value)}`,
    )
  }

  #write(text: string): void {
    this.output += text
    if (this.output.length > MAX_OUTPUT)
      throw new TemplateError(`template: ${this.#template.name}: writes too much`)
  }

  #guard<T>(place: Place, run: () => T, prefix = ''): T {
    try {
      return run()
    } catch (error) {
      if (error instanceof TemplateError) this.#fail(place, prefix + error.message)
      throw error
    }
  }

  #fail(place: Place, message: string): never {
    const before = this.#template.text.slice(0, place.at)
    const line = before.split('\n').length
    const column = new TextEncoder().encode(before.slice(before.lastIndexOf('\n') + 1)).length
    throw new TemplateError(
      `template: ${this.#template.name}:${line}:${column}: executing ${JSON.stringify(this.#name)} at <${place.text}>: ${message}`,
    )
  }
}

const TYPES: Readonly<Record<Exclude<Parameter, 'any'>, string>> = {
  string: 'string',
  int: 'int',
  sample: '*template.sample',
  result: 'template.queryResult',
}

const parameterAt = ({ parameters, rest }: TemplateFunction, i: number): Parameter =>
  parameters[i] ?? rest ?? 'any'
