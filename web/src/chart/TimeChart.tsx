import { useEffect, useMemo, useRef, useState } from 'react'
import 'uplot/dist/uPlot.min.css'
import { BoundedMap } from '../../../src/base/index.ts'
import { formatClock, formatMoment, formatValue, type Unit, type Zone } from '../format.ts'
import { useSettings } from '../settings.ts'
import type { Band } from './bands.ts'
import { DASHES, type Picture, Plot } from './plot.ts'
import { assignSlots, chooseWorst, type Line, newest } from './series.ts'
import { spread, summarise } from './summary.ts'
import styles from './TimeChart.module.css'

export interface TimeChartProps {
  readonly title: string
  readonly unit: Unit
  readonly zone: Zone
  /** Epoch seconds: the window shown, and the instants of the lines. */
  readonly from: number
  readonly to: number
  readonly instants: readonly number[]
  readonly lines: readonly Line[]
  /** The names never change and stand in a meaningful order: they get the colours in that order. */
  readonly fixed: boolean
  readonly limit: number | null
  readonly bands: readonly Band[]
  readonly gaps: readonly { readonly from: number; readonly to: number }[]
  /** What else is to be said of the data, beside the legend. */
  readonly note: string
  /** No answer yet: an empty chart is not "no data". */
  readonly loading: boolean
  /** As a table instead of a picture. */
  readonly asTable: boolean
  readonly onSelect: (fromMs: number, toMs: number) => void
  readonly onBack: () => void
}

const TABLE_ROWS = 200

/** The colour a name has had on any chart since the page was loaded: it keeps it. Bounded; what is forgotten is coloured anew. */
const REMEMBERED = new BoundedMap<string, number>(500)

/** One picture of numbers over time, its legend with the values at the cursor, its words, and its twin as a table. */
export function TimeChart(props: TimeChartProps) {
  const { title, unit, zone, instants, lines, limit, bands, gaps, asTable, fixed } = props
  const chosen = useMemo(() => {
    const found = chooseWorst(lines)
    const names = found.lines.map(line => line.name)
    const slots = fixed ? new Map(names.map((name, i) => [name, i])) : assignSlots(names, REMEMBERED)
    if (!fixed) for (const [name, slot] of slots) REMEMBERED.set(name, slot)
    return {
      ...found,
      lines: found.lines.map(line => ({ ...line, slot: slots.get(line.name) ?? 0 })),
    }
  }, [lines, fixed])
  const summary = useMemo(
    () => summarise({ lines, instants, unit, limit, bands, gaps, zone }),
    [lines, instants, unit, limit, bands, gaps, zone],
  )

  if (asTable) {
    const { lines: shown, others } = chosen
    const envelope =
      others === null ? [] : [{ name: `${others.count} others, at most`, values: others.values }]
    return <TableTwin {...props} lines={[...shown, ...envelope]} summary={summary} />
  }
  return <Drawn {...props} chosen={chosen} summary={summary} label={title} />
}

interface DrawnProps extends TimeChartProps {
  readonly chosen: {
    readonly lines: readonly (Line & { readonly slot: number })[]
    readonly others: ReturnType<typeof chooseWorst>['others']
  }
  readonly summary: string
  readonly label: string
}

function Drawn(props: DrawnProps) {
  const { unit, zone, from, to, instants, limit, bands, gaps, chosen, summary, label, note, loading } = props
  const host = useRef<HTMLDivElement>(null)
  const plot = useRef<Plot | null>(null)
  const [cursor, setCursor] = useState<number | null>(null)
  const [spoken, setSpoken] = useState('')
  const { theme } = useSettings()
  const events = useRef({ select: props.onSelect, back: props.onBack })
  events.current = { select: props.onSelect, back: props.onBack }

  const picture: Picture = useMemo(
    () => ({
      from,
      to,
      instants,
      lines: chosen.lines,
      others: chosen.others?.values ?? null,
      limit,
      bands,
      gaps,
      unit,
      zone,
    }),
    [from, to, instants, chosen, limit, bands, gaps, unit, zone],
  )
  const first = useRef(picture)

  useEffect(() => {
    if (host.current === null) return
    const made = new Plot(host.current, first.current, {
      cursor: setCursor,
      select: (a, b) => events.current.select(a * 1000, b * 1000),
      back: () => events.current.back(),
    })
    plot.current = made
    const scheme = matchMedia('(prefers-color-scheme: dark)')
    const repaint = (): void => made.repaint()
    scheme.addEventListener('change', repaint)
    // A face that arrives late changes the width of every label.
    void document.fonts.ready.then(() => {
      if (plot.current === made) made.repaint()
    })
    return () => {
      scheme.removeEventListener('change', repaint)
      made.destroy()
      plot.current = null
    }
  }, [])
  useEffect(() => {
    first.current = picture
    plot.current?.update(picture)
  }, [picture])
  const shownTheme = useRef(theme)
  useEffect(() => {
    if (shownTheme.current !== theme) plot.current?.repaint()
    shownTheme.current = theme
  }, [theme])

  // At most one sentence a second: holding an arrow key down must not flood a screen reader.
  useEffect(() => {
    if (cursor === null) return
    const timer = setTimeout(() => {
      const at = instants[cursor]
      if (at === undefined || document.activeElement !== host.current) return
      const values = chosen.lines.map(
        line => `${line.name} ${formatValue(line.values[cursor] ?? null, unit)}`,
      )
      setSpoken(`${formatClock(at * 1000, zone)}: ${values.join(', ')}`)
    }, 1000)
    return () => clearTimeout(timer)
  }, [cursor, instants, chosen, unit, zone])

  const move = (key: string): boolean => {
    const last = instants.length - 1
    const now = cursor ?? last
    const next = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: last }[key]
    if (key === 'Escape') plot.current?.setCursor(null)
    else if (next === undefined) return false
    else plot.current?.setCursor(Math.min(last, Math.max(0, next)))
    return true
  }

  const at = cursor === null ? undefined : instants[cursor]
  const valueOf = (values: readonly (number | null)[]): string =>
    formatValue(cursor === null ? newest(values) : (values[cursor] ?? null), unit)
  return (
    <figure className={styles.figure}>
      {chosen.lines.length === 0 && !loading && (
        <p className={styles.nothing}>
          <span>No data in this range.</span>
        </p>
      )}
      <div
        ref={host}
        className={styles.plot}
        tabIndex={0}
        role="group"
        aria-roledescription="chart"
        aria-label={`${label}. ${summary} Left and right arrow keys move the cursor.`}
        onKeyDown={event => {
          if (!event.ctrlKey && !event.metaKey && !event.altKey && move(event.key)) event.preventDefault()
        }}
      />
      <figcaption className={styles.legend}>
        {chosen.lines.map(line => (
          <span key={line.name} className={styles.item}>
            <Swatch slot={line.slot} />
            <span className={styles.name} title={line.name}>
              {line.name}
            </span>
            <b>{valueOf(line.values)}</b>
          </span>
        ))}
        {chosen.others !== null && (
          <span className={styles.item}>
            <span className={styles.band} data-kind="others" aria-hidden="true" />
            {chosen.others.count} others
            <b>
              {cursor === null
                ? `at most ${formatValue(chosen.others.most, unit)}`
                : `at most ${valueOf(chosen.others.values)}`}
            </b>
          </span>
        )}
        {bands.some(band => band.state === 'pending') && <Key kind="pending" />}
        {bands.some(band => band.state === 'firing') && <Key kind="firing" />}
        {gaps.length > 0 && <Key kind="no data" />}
        <span className={styles.time}>
          {at === undefined ? note : formatMoment(at * 1000, to * 1000, zone)}
        </span>
      </figcaption>
      <p className="unseen" role="status">
        {spoken}
      </p>
    </figure>
  )
}

const Swatch = ({ slot }: { readonly slot: number }) => (
  <svg className={styles.swatch} data-slot={slot} width={20} height={8} viewBox="0 0 20 8" aria-hidden="true">
    <line
      x1={0}
      x2={20}
      y1={4}
      y2={4}
      strokeDasharray={(DASHES[slot] ?? []).map(length => length * 0.8).join(' ')}
    />
  </svg>
)

const Key = ({ kind }: { readonly kind: 'pending' | 'firing' | 'no data' }) => (
  <span className={styles.item}>
    <span className={styles.band} data-kind={kind} aria-hidden="true" />
    {kind}
  </span>
)

/** The same numbers as rows, newest first; evenly thinned when there are more than two hundred. */
function TableTwin(props: TimeChartProps & { readonly summary: string }) {
  const { instants, lines, unit, zone, title, summary, to, limit } = props
  const rows = spread(instants.length, TABLE_ROWS).toReversed()
  return (
    <div className={styles.twin} tabIndex={0} role="region" aria-label={`${title} as a table`}>
      <p className={styles.summary}>
        {summary}
        {limit !== null && ` Limit ${formatValue(limit, unit)}.`}
      </p>
      <table>
        <thead>
          <tr>
            <th scope="col">Time</th>
            {lines.map(line => (
              <th key={line.name} scope="col">
                {line.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(i => (
            <tr key={i}>
              <th scope="row">{formatMoment((instants[i] ?? 0) * 1000, to * 1000, zone)}</th>
              {lines.map(line => (
                <td key={line.name}>{formatValue(line.values[i] ?? null, unit)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
