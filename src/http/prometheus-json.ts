import type { Labels } from '../base/index.ts'
import { type Annotated, formatValue, type InstantResult, type MatrixSeries } from '../promql/index.ts'

/** Epoch ms as Prometheus writes times: seconds with up to three decimals. */
const time = (ms: number): string => String(ms / 1000)

const point = (ms: number, value: number): string => `[${time(ms)},"${formatValue(value)}"]`

const metric = (labels: Labels): string => JSON.stringify(labels)

function matrix(series: readonly MatrixSeries[]): string {
  const parts = series.map(({ labels, timestamps, values }) => {
    let points = ''
    for (let i = 0; i < values.length; i++) points += (i === 0 ? '' : ',') + point(timestamps[i]!, values[i]!)
    return `{"metric":${metric(labels)},"values":[${points}]}`
  })
  return `{"resultType":"matrix","result":[${parts.join(',')}]}`
}

function instant(result: InstantResult, atMs: number): string {
  switch (result.type) {
    case 'vector':
      return `{"resultType":"vector","result":[${result.samples
        .map(({ labels, value }) => `{"metric":${metric(labels)},"value":${point(atMs, value)}}`)
        .join(',')}]}`
    case 'matrix':
      return matrix(result.series)
    case 'scalar':
      return `{"resultType":"scalar","result":${point(atMs, result.value)}}`
    case 'string':
      return `{"resultType":"string","result":[${time(atMs)},${JSON.stringify(result.value)}]}`
  }
}

function success(data: string, warnings: readonly string[], infos: readonly string[]): string {
  const notes =
    (warnings.length > 0 ? `,"warnings":${JSON.stringify(warnings)}` : '') +
    (infos.length > 0 ? `,"infos":${JSON.stringify(infos)}` : '')
  return `{"status":"success","data":${data}${notes}}`
}

/**
 * The bodies of Prometheus' HTTP API v1 (docs `querying/api.md`). Written by string building: a range query may hold 100,000
 * points, and JSON.stringify over boxed pairs costs several times as much.
 */
export const writeInstant = ({ result, warnings, infos }: Annotated<InstantResult>, atMs: number): string =>
  success(instant(result, atMs), warnings, infos)

export const writeRange = ({ result, warnings, infos }: Annotated<readonly MatrixSeries[]>): string =>
  success(matrix(result), warnings, infos)

export const writeData = (data: unknown): string => success(JSON.stringify(data), [], [])
