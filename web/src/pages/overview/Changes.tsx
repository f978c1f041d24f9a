import type { Overview } from '../../../../src/contract/index.ts'
import { formatAge, formatFull, formatMoment } from '../../format.ts'
import { Empty, Panel } from '../../parts/Panel.tsx'
import { Pill } from '../../parts/Pill.tsx'
import { useSettings } from '../../settings.ts'
import styles from './Changes.module.css'
import { useHeldRows } from './held.ts'
import { changeMark, type ChangeRow } from './model.ts'
import { Fresh } from './rows.tsx'

const key = (change: ChangeRow): string => `${change.atMs} ${change.kind} ${change.subject}`
/** Shown; older ones are left to the charts. */
const MOST = 12

/** What happened lately, newest first: alerts, workers, brokers. */
export function Changes({ overview, nowMs }: { readonly overview: Overview; readonly nowMs: number }) {
  const { zone } = useSettings()
  const newest = overview.changes.toSorted((a, b) => b.atMs - a.atMs).slice(0, MOST)
  const held = useHeldRows(newest, key, '')
  return (
    <Panel
      id="changes"
      title="What changed"
      aside={
        <>
          <Fresh held={held} />
          alerts, workers, brokers
        </>
      }
    >
      {held.rows.length === 0 ? (
        <Empty>
          Nothing changed since {formatMoment(overview.startedAtMs, nowMs, zone)}, when watching began.
        </Empty>
      ) : (
        <ol {...held.watch}>
          {held.rows.map(change => {
            const mark = changeMark(change)
            return (
              <li key={key(change)} className={styles.row}>
                <time
                  dateTime={new Date(change.atMs).toISOString()}
                  title={formatFull(change.atMs, zone)}
                  className={styles.time}
                >
                  {formatMoment(change.atMs, nowMs, zone)}
                </time>
                <span className={styles.kind}>
                  <Pill status={mark.status}>{mark.word}</Pill>
                </span>
                <span className={styles.text}>
                  <b>{change.subject}</b> {change.text}
                </span>
                <span className={styles.age}>{formatAge(nowMs - change.atMs)} ago</span>
              </li>
            )
          })}
        </ol>
      )}
    </Panel>
  )
}
