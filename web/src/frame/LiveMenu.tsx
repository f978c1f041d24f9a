import { useSyncExternalStore } from 'react'
import { MINUTE, SECOND } from '../../../src/base/index.ts'
import { formatAge } from '../format.ts'
import type { Pace } from '../live/feed.ts'
import { useFeed, useFeedStatus } from '../overview-data.ts'
import { DownIcon, LiveIcon, PauseIcon, StatusIcon } from '../parts/Icons.tsx'
import { Popover } from '../parts/Popover.tsx'
import styles from './menus.module.css'

/** How often data comes, and the way to stop it. */
export function LiveMenu({ intervalMs }: { readonly intervalMs: number | null }) {
  const feed = useFeed()
  const status = useFeedStatus()
  const pace = useSyncExternalStore(feed.subscribe, feed.pace)
  const choices: readonly { pace: Pace; text: string }[] = [
    { pace: 'live', text: `Live${intervalMs === null ? '' : `, every ${formatAge(intervalMs)}`}` },
    { pace: 15 * SECOND, text: 'Every 15 s' },
    { pace: MINUTE, text: 'Every minute' },
    { pace: 'paused', text: 'Paused' },
  ]
  const every = status.kind === 'polling' ? status.everyMs : intervalMs
  const face =
    status.kind === 'lost' ? (
      <>
        <span className={styles.warn}>
          <StatusIcon status="warning" />
        </span>
        Lost
      </>
    ) : status.kind === 'paused' ? (
      <>
        <PauseIcon size={14} />
        Paused
      </>
    ) : (
      <>
        <LiveIcon size={14} />
        Live{every === null ? '' : ` ${formatAge(every)}`}
      </>
    )
  return (
    <Popover
      label="Live updates"
      title="Live updates  p"
      face={
        <>
          {face}
          <span className={styles.more}>
            <DownIcon size={12} />
          </span>
        </>
      }
    >
      {close => (
        <ul>
          {choices.map(choice => (
            <li key={choice.text}>
              <button
                type="button"
                className={styles.choice}
                aria-current={choice.pace === pace ? 'true' : undefined}
                onClick={() => {
                  feed.setPace(choice.pace)
                  close()
                }}
              >
                {choice.text}
              </button>
            </li>
          ))}
          <li className={styles.hint}>A hidden tab asks for nothing. All tabs share one stream.</li>
        </ul>
      )}
    </Popover>
  )
}
