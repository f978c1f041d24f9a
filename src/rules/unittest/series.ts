import { CeleriacError, Labels } from '../../base/index.ts'
import { parse } from '../../promql/index.ts'

/** A value of an input series: a number, nothing at that time, or a stale marker. */
export type InputValue = number | 'missing' | 'stale'

const MAX_VALUES = 1_000_000
const NUMBER = String.raw`[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?|[-+]?Inf|NaN`
const ITEM = new RegExp(
  String.raw`^(?:(_)(?:x(\d+))?|(stale)|(${NUMBER})(?:([-+](?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?)?x(\d+))?)$`,
)

const number = (text: string): number => Number(text.replace('Inf', 'Infinity'))

/**
 * Expands promtool's series notation: `1+2x3` is 1 3 5 7, `1x3` is 1 1 1 1, `_x3` is three times nothing, `stale` a stale marker.
 * Throws RULES_INVALID for what is none (Prometheus documentation "Unit testing rules").
 */
export function parseValues(text: string): readonly InputValue[] {
  const values: InputValue[] = []
  for (const item of text.trim().split(/\s+/)) {
    if (item === '') continue
    const match = ITEM.exec(item)
    if (match === null)
      throw new CeleriacError(
        'RULES_INVALID',
        `${JSON.stringify(item.slice(0, 40))} is no series value; expected numbers, a+bxn, axn, _, _xn or stale`,
      )
    const [, missing, missingTimes, stale, start, step, times] = match
    if (Number(times ?? missingTimes ?? 0) + values.length > MAX_VALUES)
      throw new CeleriacError('RULES_INVALID', `a series may have at most ${MAX_VALUES} values`)
    if (missing !== undefined) for (let i = 0; i < Number(missingTimes ?? 1); i++) values.push('missing')
    else if (stale !== undefined) values.push('stale')
    else {
      let value = number(start ?? '')
      values.push(value)
      // Repeated addition, not multiplication: the last digits must be promtool's.
      for (let i = 0; i < Number(times ?? 0); i++) values.push((value += Number(step ?? 0)))
    }
  }
  return values
}

/** Reads `name{label="value"}`, `{label="value"}` or nothing as a label set. Throws RULES_INVALID. */
export function parseLabels(text: string): Labels {
  const trimmed = text.trim()
  if (trimmed === '' || trimmed === '{}') return Labels.EMPTY
  const expr = parse(trimmed)
  if (expr.type !== 'selector' || expr.matchers.some(matcher => matcher.op !== '=')) {
    throw new CeleriacError(
      'RULES_INVALID',
      `${JSON.stringify(trimmed.slice(0, 80))} names no series; expected name{label="value"}`,
    )
  }
  return Labels.fromEntries(expr.matchers.map(({ name, value }) => [name, value]))
}
