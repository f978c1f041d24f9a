import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import type { Overview } from '../../../../src/contract/index.ts'
import { type ApiError, fetchRange } from '../../api.ts'
import { bandsOf } from '../../chart/bands.ts'
import { alignRange, stepFor } from '../../chart/scales.ts'
import { gapsOf, grid, legendOf, onGrid, type RangeSeries } from '../../chart/series.ts'
import { TimeChart } from '../../chart/TimeChart.tsx'
import { formatMoment, formatShortClock } from '../../format.ts'
import { chosenRange, defaultRange, followsNow, type Range, rangeMs } from '../../links.ts'
import type { OverviewState } from '../../overview-data.ts'
import buttons from '../../parts/Button.module.css'
import { ChartIcon, TableIcon } from '../../parts/Icons.tsx'
import { Panel } from '../../parts/Panel.tsx'
import { useSettings } from '../../settings.ts'
import { useView } from '../../view.ts'
import styles from './Charts.module.css'
import type { Chart } from './model.ts'

/** The charts of the page, on one range and one cursor. */
export function Charts({ state, overview }: { readonly state: OverviewState; readonly overview: Overview }) {
  const { view } = useView()
  const { zone } = useSettings()
  const range = view.range ?? defaultRange(overview.nowMs - overview.startedAtMs)
  const { toMs } = rangeMs(range, overview.nowMs)
  return (
    <section id="charts" className={styles.charts} aria-labelledby="charts-title">
      <h2 id="charts-title" className="unseen" tabIndex={-1}>
        Charts
      </h2>
      {!followsNow(range) && (
        <p className={styles.past}>
          The charts end at {formatMoment(toMs, overview.nowMs, zone)}. Everything else on this page is the
          present.
        </p>
      )}
      {overview.charts.map(chart => (
        <ChartPanel key={chart.id} chart={chart} range={range} state={state} overview={overview} />
      ))}
    </section>
  )
}

interface Answer {
  readonly instants: readonly number[]
  /** One a query of the chart. */
  readonly results: readonly (readonly RangeSeries[])[]
  readonly alerts: readonly RangeSeries[]
}

/** Asks for all series of a chart and for the history of its alert, on one grid. */
async function load(
  chart: Chart,
  window: { readonly from: number; readonly to: number; readonly step: number },
  signal: AbortSignal,
): Promise<Answer> {
  const alert = chart.limit === null ? null : `ALERTS{alertname=${JSON.stringify(chart.limit.alert)}}`
  const [alerts, ...results] = await Promise.all([
    alert === null ? [] : fetchRange({ expr: alert, ...window }, signal),
    ...chart.queries.map(query => fetchRange({ expr: query.expr, ...window }, signal)),
  ])
  return { instants: grid(window.from, window.to, window.step), results, alerts: alerts ?? [] }
}

function ChartPanel({
  chart,
  range,
  state,
  overview,
}: {
  readonly chart: Chart
  readonly range: Range
  readonly state: OverviewState
  readonly overview: Overview
}) {
  const { view, go } = useView()
  const { zone } = useSettings()
  const { fresh, nowMs } = state
  const asked = rangeMs(range, overview.nowMs)
  const step = stepFor(asked.toMs - asked.fromMs, overview.collectIntervalMs)
  const window = { ...alignRange(asked.fromMs, asked.toMs, step), step }
  const query = useQuery<Answer, ApiError>({
    queryKey: ['chart', chart.id, chart.queries, chart.limit?.alert, window],
    queryFn: ({ signal }) => load(chart, window, signal),
    staleTime: Infinity,
    // Every few seconds there is another question; old answers are not asked for again.
    gcTime: 30_000,
    placeholderData: keepPreviousData,
  })

  const late = (fresh === 'late' || fresh === 'gone') && overview.collectedAtMs !== null
  const shown = rangeMs(range, late ? Math.floor(nowMs / 5000) * 5000 : overview.nowMs)
  const staleFrom = late && overview.collectedAtMs !== null ? overview.collectedAtMs / 1000 : null

  const answer = query.data
  const endSeconds = shown.toMs / 1000
  const { lines, bands, gaps, instants, since } = useMemo(() => {
    const at = answer?.instants ?? []
    const found = (answer?.results ?? []).flatMap((result, i) =>
      result.map(series => ({
        name: legendOf(chart.queries[i]?.legend ?? '', series.metric),
        // What a query looks back to is no sample: after the last collection nothing is known.
        values: onGrid(series, at).map((value, j) =>
          staleFrom !== null && (at[j] ?? 0) > staleFrom ? null : value,
        ),
      })),
    )
    const first = at.findIndex((_, i) => found.some(line => line.values[i] !== null))
    return {
      lines: uniquelyNamed(found),
      bands: bandsOf(answer?.alerts ?? [], at),
      gaps: gapsOf(found, at, endSeconds),
      instants: at,
      since: first > 2 ? (at[first] ?? null) : null,
    }
  }, [answer, chart.queries, staleFrom, endSeconds])

  const asTable = view.tables.includes(chart.id)
  const toggle = (): void =>
    go({
      tables: asTable ? view.tables.filter(id => id !== chart.id) : [...view.tables, chart.id].sort(),
    })
  return (
    <Panel
      id={`chart-${chart.id}`}
      title={chart.title}
      aside={
        <>
          <span>{chart.subtitle}</span>
          <button
            type="button"
            className={styles.toggle}
            aria-pressed={asTable}
            onClick={toggle}
            title={asTable ? 'Show as a chart' : 'Show as a table'}
          >
            {asTable ? <ChartIcon size={14} /> : <TableIcon size={14} />}
            {asTable ? 'Chart' : 'Table'}
            <span className="unseen"> of {chart.title}</span>
          </button>
        </>
      }
    >
      {query.isError && (
        <div role="alert" className={styles.error}>
          <span>
            {answer === undefined ? 'This chart could not be loaded.' : 'This chart could not be renewed.'}{' '}
            {query.error.message}
            {query.error.requestId !== null && (
              <>
                {' '}
                Request <code>{query.error.requestId}</code>.
              </>
            )}
          </span>
          <button type="button" className={buttons.plain} onClick={() => void query.refetch()}>
            Retry
          </button>
        </div>
      )}
      {answer !== undefined || !query.isError ? (
        <TimeChart
          title={chart.title}
          unit={chart.unit}
          zone={zone}
          from={shown.fromMs / 1000}
          to={shown.toMs / 1000}
          instants={instants}
          lines={lines}
          fixed={chart.queries.every(each => !each.legend.includes('{{'))}
          limit={chart.limit?.value ?? null}
          bands={bands}
          gaps={gaps}
          note={since === null ? '' : `no samples before ${formatShortClock(since * 1000, zone)}`}
          loading={answer === undefined}
          asTable={asTable}
          onSelect={(fromMs, toMs) => go({ range: chosenRange(fromMs, toMs, overview.nowMs) })}
          onBack={() => history.back()}
        />
      ) : null}
    </Panel>
  )
}

/** Two series of one legend (two brokers with a queue of the same name) are told apart by a number. */
function uniquelyNamed<L extends { readonly name: string }>(lines: readonly L[]): L[] {
  const seen = new Map<string, number>()
  return lines.map(line => {
    const count = (seen.get(line.name) ?? 0) + 1
    seen.set(line.name, count)
    return count === 1 ? line : { ...line, name: `${line.name} (${count})` }
  })
}
