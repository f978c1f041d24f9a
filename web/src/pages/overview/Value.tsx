import { formatValue, type Unit, UNKNOWN } from '../../format.ts'

/** A number in its unit. One that is not known is a dash to the eye and words to a screen reader, never 0. */
export function Value({ value, unit }: { readonly value: number | null; readonly unit: Unit }) {
  return value === null ? <Dash /> : <>{formatValue(value, unit)}</>
}

/** The sign for "not known". */
export const Dash = () => (
  <>
    <span aria-hidden="true">{UNKNOWN}</span>
    <span className="unseen">not known</span>
  </>
)
