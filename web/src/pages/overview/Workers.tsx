import { DAY } from '../../../../src/base/index.ts'
import type { Overview } from '../../../../src/contract/index.ts'
import { formatAge, formatCount, formatFull, formatShortClock, plural, UNKNOWN } from '../../format.ts'
import type { Freshness } from '../../live/freshness.ts'
import { StatusIcon } from '../../parts/Icons.tsx'
import { Empty, Panel } from '../../parts/Panel.tsx'
import { useSettings } from '../../settings.ts'
import { useView } from '../../view.ts'
import { shortNames, sortWorkers, workerMark, type WorkerCell } from './model.ts'
import { More } from './rows.tsx'
import styles from './Workers.module.css'

/** Shown at first: what fits beside the queues, by the length of the names. Those in trouble come first when there are more. */
const FIRST = { short: 24, medium: 20, long: 12 } as const

/** Every worker as a small box: its state in a word, the busy slots of its pool. */
export function Workers({
  overview,
  fresh,
  nowMs,
}: {
  readonly overview: Overview
  readonly fresh: Freshness
  readonly nowMs: number
}) {
  const { view, go } = useView()
  const whole = view.whole.includes('workers')
  const names = shortNames(overview.workers.map(cell => cell.worker))
  const longest = Math.max(0, ...[...names.values()].map(name => name.length))
  const size = longest <= 4 ? 'short' : longest <= 15 ? 'medium' : 'long'
  const sorted = sortWorkers(overview.workers, whole ? Infinity : FIRST[size])
  const cells = whole ? sorted : sorted.slice(0, FIRST[size])
  // `up` and `lost` are short words, the others are not.
  const wordy =
    cells.some(cell => cell.state === 'suspect' || cell.state === 'stopped') ||
    fresh === 'gone' ||
    overview.brokers.some(broker => broker.state !== 'connected')
  const away = new Set(
    overview.brokers.filter(broker => broker.state !== 'connected').map(broker => broker.name),
  )
  return (
    <Panel
      id="workers"
      title="Workers"
      aside={
        overview.workersTotal === 0 ? undefined : (
          <>
            <span>busy slots of pool</span>
            <More
              shown={cells.length}
              of={sorted.length}
              total={overview.workersTotal}
              noun="worker"
              whole={whole}
              onChange={all =>
                go({
                  whole: all ? [...view.whole, 'workers'] : view.whole.filter(name => name !== 'workers'),
                })
              }
            />
          </>
        )
      }
    >
      {cells.length === 0 ? (
        <Empty>No worker has answered yet. One appears within a few seconds of its start.</Empty>
      ) : (
        <ul className={styles.grid} data-names={size} data-words={wordy ? 'long' : 'short'}>
          {cells.map(cell => (
            <Cell
              key={`${cell.broker}/${cell.worker}`}
              cell={cell}
              name={names.get(cell.worker) ?? cell.worker}
              known={fresh !== 'gone' && !away.has(cell.broker)}
              nowMs={nowMs}
            />
          ))}
        </ul>
      )}
    </Panel>
  )
}

function Cell({
  cell,
  name,
  known,
  nowMs,
}: {
  readonly cell: WorkerCell
  readonly name: string
  /** What it does now can be known. */
  readonly known: boolean
  readonly nowMs: number
}) {
  const { zone } = useSettings()
  const mark = !known ? { status: 'unknown' as const, word: 'unknown' } : workerMark(cell)
  const up = cell.state === 'up' && known
  const { active, concurrency, reserved } = cell
  const share =
    active !== null && concurrency !== null && concurrency > 0 ? Math.min(1, active / concurrency) : null
  const details = [
    cell.worker,
    `${mark.word} since ${formatFull(cell.sinceMs, zone)} (${formatAge(nowMs - cell.sinceMs)})`,
    reserved === null ? null : `${plural(reserved, 'task')} reserved`,
    cell.queues === null ? null : `reads ${cell.queues.join(', ') || 'no queue'}`,
  ]
  return (
    <li
      className={styles.cell}
      data-status={mark.status}
      data-worker={cell.worker}
      title={details.filter(Boolean).join('\n')}
    >
      <span className={styles.name}>{name}</span>
      <span className={styles.load}>
        {up
          ? `${active === null ? '–' : formatCount(active)}/${concurrency === null ? '–' : formatCount(concurrency)}`
          : !known
            ? UNKNOWN
            : nowMs - cell.sinceMs < DAY
              ? formatShortClock(cell.sinceMs, zone)
              : formatAge(nowMs - cell.sinceMs)}
      </span>
      <span className={styles.state}>
        <StatusIcon status={mark.status} size={12} />
        {mark.word}
      </span>
      <span className={styles.track} aria-hidden="true">
        {up && share !== null && <span className={styles.bar} style={{ width: `${share * 100}%` }} />}
      </span>
    </li>
  )
}
