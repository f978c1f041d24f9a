import { type FormEvent, useState } from 'react'
import { formatDuration, HOUR, MINUTE } from '../../../src/base/index.ts'
import { formatDate, formatShortClock, zoneName, type Zone } from '../format.ts'
import {
  followsNow,
  NOW,
  parseMoment,
  printMoment,
  type Range,
  rangeMs,
  shiftRange,
  validRange,
} from '../links.ts'
import buttons from '../parts/Button.module.css'
import { ClockIcon, DownIcon, LeftIcon, RightIcon } from '../parts/Icons.tsx'
import { Popover } from '../parts/Popover.tsx'
import { changeSettings, useSettings } from '../settings.ts'
import styles from './menus.module.css'

const PRESETS_MS = [
  5 * MINUTE,
  15 * MINUTE,
  HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR,
  24 * HOUR,
  48 * HOUR,
] as const

const last = (backMs: number): string =>
  `Last ${formatDuration(backMs)
    .replace(/(\d)([a-z])/g, '$1 $2')
    .replace(/([a-z])(\d)/g, '$1 $2')}`

/** The range in words: `Last 1 h`, or both ends on the clock, with the date when it is not the present day. */
export function rangeWords(range: Range, nowMs: number, zone: Zone): string {
  if (followsNow(range) && range.from.kind === 'now') return last(range.from.backMs)
  const { fromMs, toMs } = rangeMs(range, nowMs)
  const today = formatDate(nowMs, zone)
  const end = (ms: number, date: boolean): string =>
    `${date ? `${formatDate(ms, zone)} ` : ''}${formatShortClock(ms, zone)}`
  const fromDate = formatDate(fromMs, zone) !== today
  const sameDay = formatDate(fromMs, zone) === formatDate(toMs, zone)
  return `${end(fromMs, fromDate)} – ${followsNow(range) ? 'now' : end(toMs, !sameDay)}`
}

/** Earlier, the range and its menu, later. The zone in which times are written stands beside the range. */
export function RangeMenu({
  range,
  nowMs,
  onChange,
}: {
  readonly range: Range
  readonly nowMs: number
  readonly onChange: (range: Range) => void
}) {
  const { zone } = useSettings()
  const atNow = followsNow(range)
  return (
    <div className={styles.group} role="group" aria-label="Time range">
      <button
        type="button"
        className={`${buttons.button} ${buttons.icon}`}
        aria-label="Earlier"
        title="Earlier by half the range  ["
        onClick={() => onChange(shiftRange(range, -1, nowMs))}
      >
        <LeftIcon />
      </button>
      <Popover
        label="Time range"
        title="Time range of the charts"
        face={
          <>
            <span className={styles.more}>
              <ClockIcon size={14} />
            </span>
            <span>{rangeWords(range, nowMs, zone)}</span>
            <span className={styles.zone}>{zoneName(nowMs, zone)}</span>
            <span className={styles.more}>
              <DownIcon size={12} />
            </span>
          </>
        }
      >
        {close => (
          <RangePanel
            range={range}
            nowMs={nowMs}
            onChange={next => {
              onChange(next)
              close()
            }}
          />
        )}
      </Popover>
      <button
        type="button"
        className={`${buttons.button} ${buttons.icon}`}
        aria-label="Later"
        title={atNow ? 'The range already ends now' : 'Later by half the range  ]'}
        aria-disabled={atNow}
        onClick={() => {
          if (!atNow) onChange(shiftRange(range, 1, nowMs))
        }}
      >
        <RightIcon />
      </button>
    </div>
  )
}

function RangePanel({
  range,
  nowMs,
  onChange,
}: {
  readonly range: Range
  readonly nowMs: number
  readonly onChange: (range: Range) => void
}) {
  const { zone } = useSettings()
  const [error, setError] = useState<string | null>(null)
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const data = new FormData(event.currentTarget)
    const text = (name: string): string => {
      const value = data.get(name)
      return typeof value === 'string' ? value : ''
    }
    const from = parseMoment(text('from'))
    const to = parseMoment(text('to'))
    const wrong = from === undefined ? 'From' : to === undefined ? 'To' : null
    if (from === undefined || to === undefined) {
      setError(`${wrong} is not understood: write now-3h, 2026-11-23 02:00 or epoch seconds.`)
      return
    }
    const next = validRange(from, to, nowMs)
    if (next === undefined) setError('From must be at least one minute and at most 32 days before To.')
    else onChange(next)
  }
  return (
    <>
      <ul className={styles.presets}>
        {PRESETS_MS.map(backMs => {
          const current = followsNow(range) && range.from.kind === 'now' && range.from.backMs === backMs
          return (
            <li key={backMs}>
              <button
                type="button"
                className={styles.choice}
                aria-current={current ? 'true' : undefined}
                onClick={() => onChange({ from: { kind: 'now', backMs }, to: NOW })}
              >
                {last(backMs)}
              </button>
            </li>
          )
        })}
      </ul>
      <form className={styles.form} onSubmit={submit} noValidate>
        <label>
          From
          <input
            name="from"
            defaultValue={written(range.from)}
            autoComplete="off"
            spellCheck={false}
            aria-describedby="range-hint"
          />
        </label>
        <label>
          To
          <input
            name="to"
            defaultValue={written(range.to)}
            autoComplete="off"
            spellCheck={false}
            aria-describedby="range-hint"
          />
        </label>
        <button type="submit" className={buttons.button}>
          Show
        </button>
        <p id="range-hint" className={styles.hint}>
          now-3h, a date and time in UTC, or epoch seconds
        </p>
        {error !== null && (
          <p role="alert" className={styles.error}>
            {error}
          </p>
        )}
      </form>
      <fieldset className={styles.radios}>
        <legend>Times are written in</legend>
        {(['local', 'utc'] as const).map(value => (
          <label key={value}>
            <input
              type="radio"
              name="zone"
              checked={zone === value}
              onChange={() => changeSettings({ zone: value })}
            />
            {value === 'utc' ? 'UTC' : `this computer's zone, ${zoneName(nowMs, 'local')}`}
          </label>
        ))}
      </fieldset>
    </>
  )
}

/** A moment as it can be edited: fixed ones as a date. */
const written = (moment: Range['from']): string =>
  moment.kind === 'now' ? printMoment(moment) : new Date(moment.ms).toISOString().replace(/\.000Z$/, 'Z')
