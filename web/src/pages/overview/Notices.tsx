import type { ReactNode } from 'react'
import { formatAge, formatClock, plural } from '../../format.ts'
import { useFeed, useFeedStatus, type OverviewState } from '../../overview-data.ts'
import buttons from '../../parts/Button.module.css'
import { StatusIcon } from '../../parts/Icons.tsx'
import { useBrowserNow } from '../../clock.ts'
import { useSettings } from '../../settings.ts'
import { MAX_BARS, type Notice, notices } from './model.ts'
import styles from './Notices.module.css'

/** Everything that makes the page less than the present truth: a lost stream, old data, a blind source, a setting that is missing. */
export function Notices({ state }: { readonly state: OverviewState }) {
  const { overview, ageMs, fresh, nowMs } = state
  const status = useFeedStatus()
  const feed = useFeed()
  const browserNowMs = useBrowserNow()
  const { zone } = useSettings()
  const late = fresh === 'late' || fresh === 'gone'
  return (
    <>
      {/* Always there, so that a change inside is spoken. The running seconds are not: once is enough. */}
      <div role="status" className={styles.live}>
        {status.kind === 'lost' && (
          <div className={styles.bar} data-status="warning">
            <StatusIcon status="warning" size={16} />
            <span>
              <b>Live updates lost, trying again</b>
              <b aria-hidden="true"> in {formatAge(Math.max(1000, status.retryAtMs - browserNowMs + 999))}</b>
              {overview === undefined ? '.' : '. What is shown stays and ages.'}
            </span>
          </div>
        )}
        {late && status.kind !== 'lost' && status.kind !== 'paused' && overview?.collectedAtMs != null && (
          <div className={styles.bar} data-status="warning">
            <StatusIcon status="warning" size={16} />
            <span>
              <b>Nothing was collected since {formatClock(overview.collectedAtMs, zone)}</b>
              <span aria-hidden="true">, {formatAge(ageMs ?? 0)} ago</span>. The numbers are those of then
              {fresh === 'gone' ? '; what is too old is a dash' : ''}.
            </span>
          </div>
        )}
        {status.kind === 'paused' && overview !== undefined && (
          <div className={styles.bar} data-status="stopped">
            <StatusIcon status="stopped" size={16} />
            <span>
              <b>Paused.</b> This is the fleet at {formatClock(overview.nowMs, zone)}.
            </span>
            <button type="button" className={buttons.plain} onClick={() => feed.setPace('live')}>
              Resume
            </button>
          </div>
        )}
      </div>
      {overview !== undefined && <Bars all={notices(overview, nowMs)} />}
    </>
  )
}

function Bars({ all }: { readonly all: readonly Notice[] }) {
  const [shown, rest] = [all.slice(0, MAX_BARS), all.slice(MAX_BARS)]
  const bars = (some: readonly Notice[], label: string): ReactNode => (
    <ul className={styles.list} aria-label={label}>
      {some.map(notice => (
        <li key={notice.key} className={styles.bar} data-status={notice.status}>
          <StatusIcon status={notice.status} size={16} />
          <span>
            <b>{notice.title}</b> {notice.text}
            {notice.fix !== null && <span className={styles.fix}>{notice.fix}</span>}
          </span>
        </li>
      ))}
    </ul>
  )
  return (
    <>
      {bars(shown, 'What cannot be seen')}
      {rest.length > 0 && (
        <details className={styles.rest}>
          <summary>{plural(rest.length, 'more finding')}</summary>
          {bars(rest, 'More of what cannot be seen')}
        </details>
      )}
    </>
  )
}
