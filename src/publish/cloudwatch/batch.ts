import type { Datum } from './datum.ts'

/** Of one PutMetricData (API reference: 1,000 metrics and 1 MB a request); a little less, for what the protocol adds. */
export const MAX_DATA = 1000
export const MAX_BYTES = 900_000

/** An upper bound of what a datum takes in any of the protocols that the SDK speaks. */
export const sizeOf = ({ name, unit, dimensions, values }: Datum): number =>
  300 +
  3 * (name.length + unit.length) +
  dimensions.reduce((sum, dimension) => sum + 100 + 3 * (dimension.name.length + dimension.value.length), 0) +
  values.length * 120

/** How many of the first data go into one request; at least 1 while there are any. */
export function batchSize(data: readonly Datum[]): number {
  let bytes = 0
  let count = 0
  for (const datum of data) {
    bytes += sizeOf(datum)
    if (count > 0 && bytes > MAX_BYTES) break
    count++
    if (count === MAX_DATA) break
  }
  return count
}
