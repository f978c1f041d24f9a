import type { Overview } from '../../../../src/contract/index.ts'
import { formatAge, formatExact, formatValue } from '../../format.ts'
import type { Freshness } from '../../live/freshness.ts'
import { Pill } from '../../parts/Pill.tsx'
import { Sparkline } from '../../parts/Sparkline.tsx'
import type { Mark } from '../../status.ts'
import { type Tile, tileMark } from './model.ts'
import styles from './Tiles.module.css'
import { Value } from './Value.tsx'

/** The numbers that tell a fleet's health, each with its limit and its last hour. */
export const Tiles = ({
  overview,
  fresh,
  nowMs,
}: {
  readonly overview: Overview
  readonly fresh: Freshness
  readonly nowMs: number
}) => (
  <ul className={styles.tiles} aria-label="Key numbers">
    {overview.tiles.map(tile => (
      <TileBox
        key={tile.id}
        tile={tile}
        alerts={overview.alerts}
        fresh={fresh}
        ageMs={overview.collectedAtMs === null ? null : nowMs - overview.collectedAtMs}
      />
    ))}
  </ul>
)

function TileBox({
  tile,
  alerts,
  fresh,
  ageMs,
}: {
  readonly tile: Tile
  readonly alerts: Overview['alerts']
  readonly fresh: Freshness
  readonly ageMs: number | null
}) {
  const { mark, quiet } = tileMark(tile, alerts)
  const late = fresh === 'late' || tile.state === 'stale'
  const gone = fresh === 'gone' || fresh === 'never'
  // An old number may have been over its limit; what it is now is not known.
  const shown: Mark | null = gone
    ? { status: 'unknown', word: ageMs === null ? 'nothing yet' : `${formatAge(ageMs)} old` }
    : fresh === 'late' && ageMs !== null
      ? { status: 'unknown', word: `stale ${formatAge(ageMs)}` }
      : mark
  const limit =
    tile.limit === null ? null : `Limit ${formatValue(tile.limit.value, tile.unit)}, of ${tile.limit.alert}.`
  return (
    <li
      className={styles.tile}
      data-tile={tile.id}
      data-status={shown?.status}
      data-late={late || gone}
      data-known={tile.value !== null}
    >
      <h2 className={styles.title}>{tile.title}</h2>
      <div
        className={styles.value}
        title={[formatExact(gone ? null : tile.value, tile.unit), limit].filter(Boolean).join('. ')}
      >
        <Value value={gone ? null : tile.value} unit={tile.unit} />
      </div>
      <div className={styles.detail}>
        {shown !== null && <Pill status={shown.status}>{shown.word}</Pill>}
        {!gone && tile.detail !== null && (
          <span className={styles.words} title={tile.detail}>
            {tile.detail}
          </span>
        )}
        {!gone && tile.detail === null && shown === null && quiet !== null && <span>{quiet}</span>}
      </div>
      <Sparkline points={tile.spark} limit={tile.limit?.value ?? null} />
    </li>
  )
}
