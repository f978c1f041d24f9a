import { alertKey, type Overview } from '../../../../src/contract/index.ts'
import { formatAge, formatFull, plural } from '../../format.ts'
import { Panel } from '../../parts/Panel.tsx'
import { Pill } from '../../parts/Pill.tsx'
import { useSettings } from '../../settings.ts'
import { useView } from '../../view.ts'
import styles from './Alerts.module.css'
import { useHeldRows } from './held.ts'
import { type AlertRow, alertStatus, sortAlerts } from './model.ts'
import { Fresh } from './rows.tsx'

const key = (alert: AlertRow): string => alertKey(alert.name, alert.labels)

/** What fires and what is about to, worst first; and that somebody looks, when nothing does. */
export function Alerts({ overview, nowMs }: { readonly overview: Overview; readonly nowMs: number }) {
  const { href, go } = useView()
  const { zone } = useSettings()
  const held = useHeldRows(sortAlerts(overview.alerts), key, '')
  const { rules, failing, lastMs } = overview.rulesEvaluated
  const checked =
    lastMs === null
      ? 'no rule evaluated yet'
      : `${plural(rules, 'rule')}, evaluated ${formatAge(nowMs - lastMs)} ago`
  return (
    <Panel
      id="alerts"
      title="Alerts"
      aside={
        <>
          <Fresh held={held} />
          {held.rows.length > 0 && checked}
        </>
      }
    >
      {held.rows.length === 0 ? (
        <p className={styles.quiet}>
          {lastMs === null
            ? 'Nothing can be said yet: no rule was evaluated.'
            : failing > 0
              ? `Nothing fires, as far as can be told: ${failing} of ${plural(rules, 'rule')} cannot be evaluated.`
              : `Nothing fires. ${plural(rules, 'rule')} evaluated ${formatAge(nowMs - lastMs)} ago.`}
        </p>
      ) : (
        <ul {...held.watch} className={styles.list}>
          {held.rows.map(alert => (
            <li key={key(alert)} className={styles.row} data-alert={alert.name}>
              <Pill status={alertStatus(alert)}>
                {alert.state === 'firing' ? 'Firing' : 'Pending'} · {alert.severity}
              </Pill>
              <div className={styles.what}>
                <a
                  href={href({ alert: key(alert) })}
                  className={styles.name}
                  aria-haspopup="dialog"
                  onClick={event => {
                    if (event.ctrlKey || event.metaKey || event.shiftKey) return
                    event.preventDefault()
                    go({ alert: key(alert) })
                  }}
                >
                  {alert.name}
                </a>{' '}
                <span title={alert.summary}>{alert.summary}</span>
                {alert.heldSinceMs !== null && (
                  <span className={styles.held}>
                    {' '}
                    Not resolved: what it watches could not be seen from {formatFull(
                      alert.heldSinceMs,
                      zone,
                    )}{' '}
                    on.
                  </span>
                )}
              </div>
              <time
                dateTime={new Date(alert.activeAtMs).toISOString()}
                title={formatFull(alert.activeAtMs, zone)}
                className={styles.age}
              >
                {formatAge(nowMs - alert.activeAtMs)}
              </time>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  )
}
