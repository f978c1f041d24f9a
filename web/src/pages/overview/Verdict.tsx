import { alertKey, type Overview } from '../../../../src/contract/index.ts'
import { formatClock } from '../../format.ts'
import type { Freshness } from '../../live/freshness.ts'
import buttons from '../../parts/Button.module.css'
import { Pill } from '../../parts/Pill.tsx'
import { useSettings } from '../../settings.ts'
import { useView } from '../../view.ts'
import { alertStatus, countAlerts, sortAlerts, toldAlert } from './model.ts'
import styles from './Verdict.module.css'

/** One sentence that says whether anything is wrong, and the way to the worst of it. */
export function Verdict({ overview, fresh }: { readonly overview: Overview; readonly fresh: Freshness }) {
  const { go } = useView()
  const { zone } = useSettings()
  const { firing, pending } = countAlerts(overview)
  const worst = sortAlerts(overview.alerts)[0]
  const told = toldAlert(overview.alerts)
  const { level, headline, text } = overview.verdict
  const old = fresh === 'gone' || fresh === 'never'
  const status = old ? 'unknown' : level
  return (
    <section className={styles.verdict} data-status={status} aria-label="Verdict">
      <div className={styles.pills}>
        {firing > 0 && worst !== undefined && <Pill status={alertStatus(worst)}>{firing} firing</Pill>}
        {pending > 0 && <Pill status="pending">{pending} pending</Pill>}
        {firing + pending === 0 && !old && (
          <Pill status={level}>
            {
              {
                critical: 'Critical',
                warning: 'Warning',
                pending: 'Pending',
                ok: 'OK',
                unknown: 'Not known',
              }[level]
            }
          </Pill>
        )}
        {old && <Pill status="unknown">Not known now</Pill>}
      </div>
      <p className={styles.text}>
        {old && overview.collectedAtMs !== null && `At ${formatClock(overview.collectedAtMs, zone)}: `}
        <strong>{headline}</strong> {text}
      </p>
      {told !== undefined && (
        <div className={styles.actions}>
          <button
            type="button"
            className={`${buttons.button} ${buttons.primary}`}
            onClick={() => go({ alert: alertKey(told.name, told.labels) })}
          >
            <span className={styles.worst}>Open {told.name}</span>
          </button>
          {firing + pending > 1 && (
            <button
              type="button"
              className={buttons.button}
              onClick={() => {
                document.getElementById('alerts')?.scrollIntoView({ behavior: 'smooth' })
                document.getElementById('alerts-title')?.focus({ preventScroll: true })
              }}
            >
              All alerts
            </button>
          )}
        </div>
      )}
    </section>
  )
}
