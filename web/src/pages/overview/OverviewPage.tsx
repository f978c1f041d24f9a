import { useEffect, useMemo, useState } from 'react'
import { Frame, type PagePart } from '../../frame/Frame.tsx'
import { formatCount } from '../../format.ts'
import { useOverview } from '../../overview-data.ts'
import buttons from '../../parts/Button.module.css'
import {
  BellIcon,
  ChangesIcon,
  ChartIcon,
  QueuesIcon,
  StatusIcon,
  TasksIcon,
  WorkersIcon,
} from '../../parts/Icons.tsx'
import { Pill } from '../../parts/Pill.tsx'
import { useView } from '../../view.ts'
import { AlertDialog } from './AlertDialog.tsx'
import { Alerts } from './Alerts.tsx'
import { Changes } from './Changes.tsx'
import { Charts } from './Charts.tsx'
import { Failing } from './Failing.tsx'
import { FirstRun } from './FirstRun.tsx'
import { countAlerts, sortAlerts, alertStatus } from './model.ts'
import { Notices } from './Notices.tsx'
import styles from './OverviewPage.module.css'
import { Queues } from './Queues.tsx'
import { Tiles } from './Tiles.tsx'
import { Verdict } from './Verdict.tsx'
import { Workers } from './Workers.tsx'

/** The first screen: is anything wrong, where, and what changed. */
export function OverviewPage() {
  const state = useOverview()
  const { view } = useView()
  const { overview, fresh, nowMs } = state

  const parts = useMemo((): PagePart[] => {
    if (overview === undefined) return []
    const { firing } = countAlerts(overview)
    const worst = sortAlerts(overview.alerts)[0]
    return [
      { id: 'charts', title: 'Charts', icon: <ChartIcon />, count: null },
      { id: 'queues', title: 'Queues', icon: <QueuesIcon />, count: formatCount(overview.queuesTotal) },
      { id: 'failing', title: 'Failing', icon: <TasksIcon />, count: null },
      { id: 'workers', title: 'Workers', icon: <WorkersIcon />, count: formatCount(overview.workersTotal) },
      {
        id: 'alerts',
        title: 'Alerts',
        icon: <BellIcon />,
        count: firing > 0 && worst !== undefined ? <Pill status={alertStatus(worst)}>{firing}</Pill> : null,
      },
      { id: 'changes', title: 'Changes', icon: <ChangesIcon />, count: null },
    ]
  }, [overview])

  return (
    <Frame title="Overview" state={state} range={view.range} parts={parts}>
      <Notices state={state} />
      {overview === undefined ? (
        state.error === null ? (
          <Skeleton />
        ) : (
          <section className={styles.failure} role="alert">
            <StatusIcon status="critical" size={20} />
            <div>
              <h2>The overview could not be loaded.</h2>
              <p>
                {state.error.message} It is asked for again every 5 s. The process itself may still be well:
                see <a href="health">health</a> and its log.
              </p>
              {state.error.requestId !== null && (
                <p className="quiet">
                  Request <code>{state.error.requestId}</code>
                </p>
              )}
            </div>
            <button type="button" className={buttons.button} onClick={state.retry}>
              Try now
            </button>
          </section>
        )
      ) : (
        <div className={styles.page} data-fresh={fresh}>
          <FirstRun overview={overview} />
          <Verdict overview={overview} fresh={fresh} />
          <Tiles overview={overview} fresh={fresh} nowMs={nowMs} />
          <Charts state={state} overview={overview} />
          <div className={styles.pair}>
            <div className={styles.stack}>
              <Queues overview={overview} fresh={fresh} />
              <Failing overview={overview} fresh={fresh} />
            </div>
            <div className={styles.stack}>
              <Workers overview={overview} fresh={fresh} nowMs={nowMs} />
              <Alerts overview={overview} nowMs={nowMs} />
            </div>
          </div>
          <Changes overview={overview} nowMs={nowMs} />
          {view.alert !== null && <AlertDialog overview={overview} alert={view.alert} nowMs={nowMs} />}
        </div>
      )}
    </Frame>
  )
}

/** Boxes of the right height, on the first load only, and not when the answer comes at once. */
function Skeleton() {
  const [late, setLate] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 150)
    return () => clearTimeout(timer)
  }, [])
  if (!late) return null
  return (
    <div className={styles.page} aria-busy="true">
      <p className="unseen" role="status">
        Loading the overview
      </p>
      <div className={styles.bone} data-part="verdict" />
      <div className={styles.tileBones}>
        {Array.from({ length: 6 }, (_, i) => (
          <div key={i} className={styles.bone} data-part="tile" />
        ))}
      </div>
      <div className={styles.pair}>
        <div className={styles.bone} data-part="chart" />
        <div className={styles.bone} data-part="chart" />
      </div>
      <div className={styles.pair}>
        <div className={styles.bone} data-part="table" />
        <div className={styles.bone} data-part="table" />
      </div>
    </div>
  )
}
