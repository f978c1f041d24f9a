import uPlot from 'uplot'
import {
  formatNumber,
  formatDate,
  formatShortClock,
  formatClock,
  formatValue,
  type Unit,
  type Zone,
} from '../format.ts'
import type { Band } from './bands.ts'
import { increments, valueRange } from './scales.ts'
import { largest, type Line } from './series.ts'

/** All use of uPlot is in this file, so that it can be exchanged. */

/** What is drawn. Times are epoch seconds. */
export interface Picture {
  readonly from: number
  readonly to: number
  readonly instants: readonly number[]
  /** At most four, each with its slot: colour and dash. */
  readonly lines: readonly (Line & { readonly slot: number })[]
  readonly others: readonly (number | null)[] | null
  readonly limit: number | null
  readonly bands: readonly Band[]
  /** Stretches in which nothing is known. */
  readonly gaps: readonly { readonly from: number; readonly to: number }[]
  readonly unit: Unit
  readonly zone: Zone
}

export interface PlotEvents {
  /** The cursor stands on an instant, or has left. */
  readonly cursor: (index: number | null) => void
  /** A stretch was dragged out. */
  readonly select: (from: number, to: number) => void
  /** A double click asks for the range before. */
  readonly back: () => void
}

/** Dashes in CSS pixels, one for each slot; a series is told apart without its colour. */
export const DASHES: readonly (readonly number[])[] = [[], [8, 4], [2, 3], [9, 3, 2, 3]]

/** Shared by all charts of a page: one cursor over all of them. */
const CURSOR = 'page'

interface Ink {
  readonly text: string
  readonly grid: string
  readonly panel: string
  readonly limit: string
  readonly limitText: string
  readonly pending: string
  readonly unknown: string
  readonly series: readonly string[]
}

/** The tokens as the canvas needs them: resolved for the theme that is shown. */
function readInk(host: HTMLElement): Ink {
  const probe = document.createElement('span')
  probe.hidden = true
  host.append(probe)
  const color = (token: string): string => {
    probe.style.color = `var(--${token})`
    return getComputedStyle(probe).color
  }
  const ink: Ink = {
    text: color('text-2'),
    grid: color('hairline'),
    panel: color('panel'),
    limit: color('critical-mark'),
    limitText: color('critical-text'),
    pending: color('warning-mark'),
    unknown: color('unknown-mark'),
    series: [1, 2, 3, 4].map(slot => color(`series-${slot}`)),
  }
  probe.remove()
  return ink
}

/** A square of slanted lines to fill with. */
function hatch(color: string, alpha: number, ratio: number): CanvasPattern | string {
  const size = Math.round(8 * ratio)
  const tile = document.createElement('canvas')
  tile.width = size
  tile.height = size
  const ctx = tile.getContext('2d')
  if (ctx === null) return color
  ctx.strokeStyle = color
  ctx.globalAlpha = alpha
  ctx.lineWidth = ratio
  for (const shift of [-size, 0, size]) {
    ctx.beginPath()
    ctx.moveTo(shift, size)
    ctx.lineTo(shift + size, 0)
    ctx.stroke()
  }
  return ctx.createPattern(tile, 'repeat') ?? color
}

/** One chart on the page: draws a picture, keeps its size to its host's, and reports what the pointer does. */
export class Plot {
  readonly #host: HTMLElement
  readonly #events: PlotEvents
  readonly #resize: ResizeObserver
  #picture: Picture
  #ink: Ink
  #chart: uPlot

  constructor(host: HTMLElement, picture: Picture, events: PlotEvents) {
    this.#host = host
    this.#events = events
    this.#picture = picture
    this.#ink = readInk(host)
    this.#chart = this.#make()
    this.#resize = new ResizeObserver(() => {
      if (host.clientWidth > 0 && host.clientHeight > 0)
        this.#chart.setSize({ width: host.clientWidth, height: host.clientHeight })
    })
    this.#resize.observe(host)
  }

  /** Draws a new picture; the chart is only built anew when its series are others. */
  update(picture: Picture): void {
    const shape = (of: Picture): string =>
      JSON.stringify([of.unit, of.zone, of.others !== null, of.lines.map(line => [line.name, line.slot])])
    const same = shape(picture) === shape(this.#picture)
    this.#picture = picture
    if (same) this.#chart.setData(this.#data())
    else this.#rebuild()
  }

  /** Reads the tokens again: the theme changed. */
  repaint(): void {
    this.#ink = readInk(this.#host)
    this.#rebuild()
  }

  /** Puts the cursor on an instant, as the arrow keys do; null takes it away. */
  setCursor(index: number | null): void {
    const seconds = index === null ? undefined : this.#picture.instants[index]
    if (seconds === undefined) this.#chart.setCursor({ left: -10, top: -10 })
    else this.#chart.setCursor({ left: this.#chart.valToPos(seconds, 'x'), top: 0 })
  }

  destroy(): void {
    this.#resize.disconnect()
    this.#chart.destroy()
  }

  #rebuild(): void {
    this.#chart.destroy()
    this.#chart = this.#make()
  }

  #data(): uPlot.AlignedData {
    const { instants, others, lines } = this.#picture
    const columns = [...(others === null ? [] : [others]), ...lines.map(line => line.values)]
    return [instants, ...columns] as uPlot.AlignedData
  }

  #make(): uPlot {
    const { unit, zone } = this.#picture
    const ink = this.#ink
    const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize)
    // Whole pixels: uPlot scales the size for the screen and reads no fraction.
    const font = `${Math.round(0.71875 * rem)}px ${getComputedStyle(this.#host).fontFamily}`
    const series: uPlot.Series[] = [{}]
    if (this.#picture.others !== null)
      series.push({
        stroke: ink.unknown,
        width: 0.75,
        fill: fade(ink.unknown, 0.16),
        points: { show: false },
      })
    for (const line of this.#picture.lines)
      series.push({
        label: line.name,
        stroke: ink.series[line.slot] ?? ink.text,
        width: 1.75,
        dash: [...(DASHES[line.slot] ?? [])],
        spanGaps: false,
        points: { size: 4, width: 0, fill: ink.series[line.slot] ?? ink.text, show: true, filter: alone },
      })
    return new uPlot(
      {
        width: Math.max(120, this.#host.clientWidth),
        height: Math.max(100, this.#host.clientHeight),
        padding: [10, 18, 0, 0],
        legend: { show: false },
        tzDate: seconds =>
          zone === 'utc' ? uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC') : new Date(seconds * 1000),
        scales: {
          x: { time: true, range: () => [this.#picture.from, this.#picture.to] },
          y: { range: () => this.#valueRange() },
        },
        series,
        axes: [
          {
            font,
            stroke: ink.text,
            size: 22,
            gap: 4,
            space: 64,
            grid: { stroke: ink.grid, width: 1 },
            ticks: { show: false },
            values: (_, splits) => splits.map((seconds, i) => timeTick(seconds, splits, i, zone)),
          },
          {
            font,
            stroke: ink.text,
            size: (_, values) =>
              14 + Math.ceil(Math.max(12, ...(values ?? []).map(text => 6.6 * text.length)) * (rem / 16)),
            gap: 6,
            space: 30,
            incrs: increments(unit),
            grid: { stroke: ink.grid, width: 1 },
            ticks: { show: false },
            values: (_, splits) => splits.map(value => formatTick(value, unit)),
          },
        ],
        cursor: {
          y: false,
          drag: { x: true, y: false, setScale: false },
          // Only the place of the pointer is shared: a drag belongs to the chart it began on.
          sync: {
            key: CURSOR,
            setSeries: false,
            filters: { pub: type => type === 'mousemove' || type === 'mouseleave', sub: () => true },
          },
          points: { size: 7, width: 0 },
          bind: {
            dblclick: () => () => {
              this.#events.back()
              return null
            },
          },
        },
        hooks: {
          drawAxes: [chart => this.#drawGround(chart)],
          draw: [chart => this.#drawLimit(chart)],
          setCursor: [chart => this.#events.cursor(chart.cursor.idx ?? null)],
          setSelect: [chart => this.#onSelect(chart)],
        },
      },
      this.#data(),
      this.#host,
    )
  }

  #valueRange(): [number, number] {
    const { lines, others, limit } = this.#picture
    const columns = [...lines.map(line => line.values), ...(others === null ? [] : [others])]
    const most = largest(columns.map(largest))
    const least = columns.reduce(
      (low, column) => column.reduce<number>((a, b) => Math.min(a, b ?? a), low),
      0,
    )
    return valueRange(least, most, limit)
  }

  #onSelect(chart: uPlot): void {
    const { left, width } = chart.select
    if (width < 1) return
    chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
    if (width >= 8) this.#events.select(chart.posToVal(left, 'x'), chart.posToVal(left + width, 'x'))
  }

  /** Under the lines: pending and firing, and what is not known. */
  #drawGround(chart: uPlot): void {
    const { ctx, bbox } = chart
    const ratio = uPlot.pxRatio
    const ink = this.#ink
    const x = (seconds: number): number =>
      Math.min(bbox.left + bbox.width, Math.max(bbox.left, chart.valToPos(seconds, 'x', true)))
    const fill = (from: number, to: number, style: string | CanvasPattern): void => {
      ctx.fillStyle = style
      ctx.fillRect(x(from), bbox.top, Math.max(2 * ratio, x(to) - x(from)), bbox.height)
    }
    ctx.save()
    for (const band of this.#picture.bands) {
      if (band.to < this.#picture.from || band.from > this.#picture.to) continue
      if (band.state === 'pending') {
        fill(band.from, band.to, hatch(ink.pending, 0.55, ratio))
        continue
      }
      fill(band.from, band.to, fade(ink.limit, 0.2))
      ctx.fillStyle = ink.limit
      ctx.fillRect(x(band.from), bbox.top, Math.max(2 * ratio, x(band.to) - x(band.from)), 3 * ratio)
    }
    for (const gap of this.#picture.gaps)
      if (gap.to > this.#picture.from && gap.from < this.#picture.to)
        fill(gap.from, gap.to, hatch(ink.unknown, 0.6, ratio))
    ctx.restore()
  }

  /** Over the lines: the limit, dashed and with its value on a ground of its own. */
  #drawLimit(chart: uPlot): void {
    const { limit, unit } = this.#picture
    if (limit === null) return
    const { ctx, bbox } = chart
    const ratio = uPlot.pxRatio
    const y = Math.round(chart.valToPos(limit, 'y', true))
    const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize)
    ctx.save()
    ctx.strokeStyle = this.#ink.limit
    ctx.lineWidth = 1.5 * ratio
    ctx.setLineDash([7 * ratio, 4 * ratio])
    ctx.beginPath()
    ctx.moveTo(bbox.left, y)
    ctx.lineTo(bbox.left + bbox.width, y)
    ctx.stroke()
    const text = `limit ${formatValue(limit, unit)}`
    const size = 0.71875 * rem * ratio
    ctx.font = `600 ${size}px ${getComputedStyle(this.#host).fontFamily}`
    const width = ctx.measureText(text).width
    const above = y - bbox.top > size + 8 * ratio
    const top = above ? y - size - 5 * ratio : y + 3 * ratio
    ctx.fillStyle = this.#ink.panel
    ctx.globalAlpha = 0.85
    ctx.fillRect(bbox.left + 4 * ratio, top, width + 8 * ratio, size + 3 * ratio)
    ctx.globalAlpha = 1
    ctx.fillStyle = this.#ink.limitText
    ctx.textAlign = 'left'
    ctx.textBaseline = 'top'
    ctx.fillText(text, bbox.left + 8 * ratio, top + 2 * ratio)
    ctx.restore()
  }
}

/** Points are drawn only where a sample has no neighbour: a line needs two. */
const alone: uPlot.Series.Points.Filter = (chart, seriesIndex) => {
  const values = chart.data[seriesIndex] ?? []
  const found: number[] = []
  values.forEach((value, i) => {
    if (value != null && values[i - 1] == null && values[i + 1] == null) found.push(i)
  })
  return found
}

/** A colour in parentheses, as computed styles give it, with an alpha. */
const fade = (color: string, alpha: number): string =>
  color.replace(/^rgb\((.*)\)$/, (_, parts: string) =>
    parts.includes(',') ? `rgba(${parts}, ${alpha})` : `rgb(${parts} / ${alpha})`,
  )

/** A tick of the value axis. Rates are bare: the subtitle names their unit once. */
const formatTick = (value: number, unit: Unit): string =>
  unit === 'per_second' ? formatNumber(value) : formatValue(value, unit)

/** A tick of the time axis: the clock, and the date where a new day begins. */
function timeTick(seconds: number, splits: readonly number[], i: number, zone: Zone): string {
  const ms = seconds * 1000
  const step = splits.length > 1 ? (splits[1] ?? 0) - (splits[0] ?? 0) : 60
  const before = splits[i - 1]
  const newDay = before !== undefined && formatDate(before * 1000, zone) !== formatDate(ms, zone)
  if (step >= 86_400 || newDay) return formatDate(ms, zone)
  return step < 60 ? formatClock(ms, zone) : formatShortClock(ms, zone)
}
