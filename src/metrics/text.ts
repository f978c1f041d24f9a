/**
 * The small print of the exposition formats: escaping and numbers. Sources: Prometheus' text format 0.0.4 (`exposition_formats`),
 * OpenMetrics 1.0 sections "Escaping" and "Numbers".
 */

/** Backslash, line feed and double quote are escaped in a label's value; anything else, NUL included, stands as it is. */
const escapeValue = (value: string): string =>
  /[\\\n"]/.test(value)
    ? value.replace(/[\\\n"]/g, character => (character === '\n' ? '\\n' : `\\${character}`))
    : value

/** Help text: the quote is escaped in OpenMetrics only. */
export const escapeHelp = (help: string, openMetrics: boolean): string => {
  const escaped = help.replace(/\\/g, '\\\\').replace(/\n/g, '\\n')
  return openMetrics ? escaped.replace(/"/g, '\\"') : escaped
}

/** `a="x",b="y"`; labels with an empty value are left out, which means the same. */
export function labelPairs(names: readonly string[], values: readonly string[]): string {
  let text = ''
  names.forEach((name, i) => {
    const value = values[i] ?? ''
    if (value !== '') text += `${text === '' ? '' : ','}${name}="${escapeValue(value)}"`
  })
  return text
}

/** A sample's value: `+Inf`, `-Inf`, `NaN`, else the shortest digits that give the same number. */
export function formatNumber(value: number): string {
  if (value === Infinity) return '+Inf'
  return value === -Infinity ? '-Inf' : String(value)
}

/** The bound of a bucket; `pointed` as OpenMetrics writes it: always with a point or an exponent, so that `1` is `1.0`. */
export function formatBound(bound: number, pointed: boolean): string {
  const text = formatNumber(bound)
  return pointed && /^-?\d+$/.test(text) ? `${text}.0` : text
}
