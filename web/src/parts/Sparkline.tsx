import styles from './Sparkline.module.css'

const WIDTH = 160
const HEIGHT = 26

/** The path of the points, broken where a value is not known; a lone point is a short dash. */
export function sparkPath(
  points: readonly (readonly [ms: number, value: number | null])[],
  x: (ms: number) => number,
  y: (value: number) => number,
): string {
  let path = ''
  let down = false
  points.forEach(([ms, value], i) => {
    if (value === null) {
      down = false
      return
    }
    const at = `${x(ms).toFixed(1)} ${y(value).toFixed(1)}`
    const alone = !down && (points[i + 1]?.[1] ?? null) === null
    path += `${down ? 'L' : 'M'}${at}${alone ? 'h1.5' : ''}`
    down = true
  })
  return path
}

/** The last hour of a tile in one line, from zero, with its limit always in the picture. The tile's words carry the meaning. */
export function Sparkline({
  points,
  limit,
}: {
  readonly points: readonly (readonly [ms: number, value: number | null])[]
  readonly limit: number | null
}) {
  const values = points.flatMap(([, value]) => (value === null ? [] : [value]))
  if (values.length === 0) return <div className={styles.spark} />
  const high = Math.max(...values, limit ?? 0)
  const low = Math.min(0, ...values)
  const span = high - low || 1
  const first = points[0]?.[0] ?? 0
  const last = points.at(-1)?.[0] ?? first
  const x = (ms: number): number => (last === first ? WIDTH - 2 : ((ms - first) / (last - first)) * WIDTH)
  const y = (value: number): number => HEIGHT - 2 - ((value - low) / span) * (HEIGHT - 4)
  return (
    <svg
      className={styles.spark}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      {limit !== null && <line className={styles.limit} x1={0} x2={WIDTH} y1={y(limit)} y2={y(limit)} />}
      <path className={styles.line} d={sparkPath(points, x, y)} />
    </svg>
  )
}
