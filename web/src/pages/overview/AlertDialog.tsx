import { alertKey, type Overview } from '../../../../src/contract/index.ts'
import { MINUTE } from '../../../../src/base/index.ts'
import { formatAge, formatFull, formatNumber, formatValue } from '../../format.ts'
import { chosenRange } from '../../links.ts'
import buttons from '../../parts/Button.module.css'
import { Dialog } from '../../parts/Dialog.tsx'
import { OutIcon } from '../../parts/Icons.tsx'
import { Pill } from '../../parts/Pill.tsx'
import { useSettings } from '../../settings.ts'
import { useView } from '../../view.ts'
import styles from './AlertDialog.module.css'
import { type AlertRow, alertStatus } from './model.ts'

/** Everything known of one alert. An address outlives its alert: then it says that it is over. */
export function AlertDialog({
  overview,
  alert: wanted,
  nowMs,
}: {
  readonly overview: Overview
  readonly alert: string
  readonly nowMs: number
}) {
  const { go } = useView()
  const found = overview.alerts.find(alert => alertKey(alert.name, alert.labels) === wanted)
  const close = (): void => go({ alert: null })
  return (
    <Dialog title={found?.name ?? wanted.replace(/\{.*/s, '')} onClose={close}>
      {found === undefined ? (
        <>
          <p>
            <Pill status="unknown">Not active</Pill>
          </p>
          <p className={styles.text}>
            This alert neither fires nor waits now. When it did, <b>What changed</b> may still tell.
          </p>
          <p>
            <code className={styles.key}>{wanted}</code>
          </p>
        </>
      ) : (
        <Detail
          alert={found}
          nowMs={nowMs}
          onWindow={() =>
            go({ alert: null, range: chosenRange(found.activeAtMs - 30 * MINUTE, nowMs, nowMs) })
          }
        />
      )}
    </Dialog>
  )
}

const isAddress = (text: string): boolean => /^https?:\/\//.test(text)

function Detail({
  alert,
  nowMs,
  onWindow,
}: {
  readonly alert: AlertRow
  readonly nowMs: number
  readonly onWindow: () => void
}) {
  const { zone } = useSettings()
  const labels = Object.entries(alert.labels).filter(([name]) => name !== 'alertname')
  return (
    <>
      <p>
        <Pill status={alertStatus(alert)}>
          {alert.state === 'firing' ? 'Firing' : 'Pending'} · {alert.severity}
        </Pill>
      </p>
      <p className={styles.summary}>{alert.summary}</p>
      {alert.description !== '' && <p className={styles.text}>{alert.description}</p>}
      <dl className={styles.facts}>
        <div>
          <dt>{alert.state === 'firing' ? 'Active for' : 'Pending for'}</dt>
          <dd>
            {formatAge(nowMs - alert.activeAtMs)}, since {formatFull(alert.activeAtMs, zone)}
          </dd>
        </div>
        <div>
          <dt>Value</dt>
          <dd>{alert.unit === null ? formatNumber(alert.value, 6) : formatValue(alert.value, alert.unit)}</dd>
        </div>
        {alert.heldSinceMs !== null && (
          <div>
            <dt>Held</dt>
            <dd>
              What it watches could not be seen from {formatFull(alert.heldSinceMs, zone)} on: it is not taken
              for resolved until all that its expression looks back to was seen.
            </dd>
          </div>
        )}
        {labels.length > 0 && (
          <div>
            <dt>Labels</dt>
            <dd className={styles.labels}>
              {labels.map(([name, value]) => (
                <code key={name}>
                  {name}={value}
                </code>
              ))}
            </dd>
          </div>
        )}
        {alert.runbook !== null && (
          <div>
            <dt>Runbook</dt>
            <dd>
              {isAddress(alert.runbook) ? (
                <a href={alert.runbook} target="_blank" rel="noreferrer">
                  {alert.runbook} <OutIcon size={12} />
                </a>
              ) : (
                <code>{alert.runbook}</code>
              )}
            </dd>
          </div>
        )}
      </dl>
      <div className={styles.actions}>
        <button type="button" className={`${buttons.button} ${buttons.primary}`} onClick={onWindow}>
          Show charts from 30 m before it
        </button>
      </div>
    </>
  )
}
