import { CeleriacError, type Labels } from '../../src/base/index.ts'
import { type Annotated, evaluateInstant, evaluateRange, type InstantResult } from '../../src/promql/index.ts'
import { type Command, type Expectation, readScript } from './promql-script.ts'
import { TestSource } from './promql-source.ts'

const TOLERANCE = 1e-6
const MINUTE = 60_000

type Eval = Extract<Command, { kind: 'eval' }>

const close = (a: number, b: number): boolean =>
  Object.is(a, b) ||
  (Number.isNaN(a) && Number.isNaN(b)) ||
  a === b ||
  Math.abs(a - b) <= TOLERANCE * Math.min(Math.abs(a) + Math.abs(b), Number.MAX_VALUE)

/** What is wrong with an answer, or undefined. */
function checkSamples(
  samples: readonly { readonly labels: Labels; readonly value: number }[],
  expected: Expectation,
): string | undefined {
  const got = samples.map(({ labels, value }) => `${labels.toString()} ${value}`).join('; ')
  if (samples.length !== expected.series.length)
    return `expected ${expected.series.length} series, got ${got}`
  for (const [i, { labels, values }] of expected.series.entries()) {
    const at = expected.ordered ? i : samples.findIndex(sample => sample.labels.equals(labels))
    const sample = samples[at]
    const value = values[0]
    if (
      sample === undefined ||
      !sample.labels.equals(labels) ||
      typeof value !== 'number' ||
      !close(sample.value, value)
    )
      return `expected ${labels.toString()} ${String(value)} at ${i}, got ${got}`
  }
  return undefined
}

function checkAnnotations(
  { warnings, infos }: Annotated<unknown>,
  { annotations, none }: Expectation,
): string | undefined {
  for (const { kind, msg, regex } of annotations) {
    const texts = kind === 'warn' ? warnings : infos
    const found = texts.some(
      text => (msg === undefined || text === msg) && (regex === undefined || regex.test(text)),
    )
    if (!found) return `expected ${kind} ${msg ?? regex?.source ?? ''}, got ${texts.join('; ')}`
  }
  if (none.has('warn') && warnings.length > 0) return `unexpected warnings: ${warnings.join('; ')}`
  if (none.has('info') && infos.length > 0) return `unexpected infos: ${infos.join('; ')}`
  return undefined
}

function checkInstant(answer: Annotated<InstantResult>, expected: Expectation): string | undefined {
  const { result } = answer
  if (expected.text !== undefined)
    return result.type === 'string' && result.value === expected.text ? undefined : JSON.stringify(result)
  if (expected.scalar !== undefined)
    return result.type === 'scalar' && close(result.value, expected.scalar)
      ? undefined
      : JSON.stringify(result)
  if (result.type === 'vector') return checkSamples(result.samples, expected)
  if (result.type !== 'matrix' || expected.rangeVector === undefined) return `unexpected type ${result.type}`
  const { fromMs, stepMs } = expected.rangeVector
  return checkSeries(result.series, expected, fromMs, stepMs)
}

function checkSeries(
  series: readonly { labels: Labels; timestamps: Float64Array; values: Float64Array }[],
  expected: Expectation,
  startMs: number,
  stepMs: number,
): string | undefined {
  if (series.length !== expected.series.length)
    return `expected ${expected.series.length} series, got ${series.map(one => one.labels.toString()).join('; ')}`
  for (const { labels, values } of expected.series) {
    const found = series.find(one => one.labels.equals(labels))
    const wanted = values.flatMap((value, i) =>
      value === undefined ? [] : [[startMs + i * stepMs, value] as const],
    )
    const got =
      found === undefined
        ? []
        : [...found.timestamps].map((time, i) => [time, found.values[i] ?? NaN] as const)
    const same =
      got.length === wanted.length &&
      wanted.every(([time, value], i) => got[i]?.[0] === time && close(got[i]?.[1] ?? NaN, Number(value)))
    if (!same) return `${labels.toString()}: expected ${wanted.join(' ')}, got ${got.join(' ')}`
  }
  return undefined
}

/** Upstream repeats an instant eval as the middle step of a range query and expects the same. */
function checkAsRange(
  command: Eval,
  atMs: number,
  source: TestSource,
  answer: InstantResult,
): string | undefined {
  if (command.expect.ordered || answer.type === 'matrix' || answer.type === 'string') return undefined
  const { result } = evaluateRange(command.expr, atMs - MINUTE, atMs + MINUTE, MINUTE, source)
  const samples = result.flatMap(({ labels, timestamps, values }) => {
    const at = timestamps.indexOf(atMs)
    return at < 0 ? [] : [{ labels, value: values[at] ?? NaN }]
  })
  const { scalar } = command.expect
  if (scalar !== undefined)
    return close(samples[0]?.value ?? Infinity, scalar) ? undefined : 'scalar differs as range'
  const problem = checkSamples(samples, command.expect)
  return problem === undefined ? undefined : `as range: ${problem}`
}

function run(command: Eval, source: TestSource): string | undefined {
  const { expr, at, expect: expected } = command
  try {
    if (typeof at === 'number') {
      const answer = evaluateInstant(expr, at, source)
      if (expected.fail) return 'should have failed'
      return (
        checkInstant(answer, expected) ??
        checkAnnotations(answer, expected) ??
        checkAsRange(command, at, source, answer.result)
      )
    }
    const answer = evaluateRange(expr, at.startMs, at.endMs, at.stepMs, source)
    if (expected.fail) return 'should have failed'
    return checkSeries(answer.result, expected, at.startMs, at.stepMs) ?? checkAnnotations(answer, expected)
  } catch (error) {
    if (!(error instanceof CeleriacError))
      return `fault: ${String(error instanceof Error ? error.stack : error)}`
    if (!expected.fail) return `failed: ${error.line}`
    if (expected.failMessage !== undefined && !error.message.includes(expected.failMessage))
      return error.message
    if (expected.failPattern !== undefined && !expected.failPattern.test(error.message)) return error.message
    return undefined
  }
}

/** Runs a script; the number of its evals, and what went wrong with each that failed. */
export function runScript(
  name: string,
  script: string,
): { readonly evals: number; readonly failures: string } {
  const source = new TestSource()
  const failures: string[] = []
  let evals = 0
  for (const command of readScript(script)) {
    if (command.kind === 'clear') source.clear()
    else if (command.kind === 'load') source.load(command.series, command.stepMs)
    else {
      evals++
      const problem = run(command, source)
      if (problem !== undefined) failures.push(`${name}:${command.line} ${command.expr}\n  ${problem}`)
    }
  }
  return { evals, failures: failures.join('\n') }
}
