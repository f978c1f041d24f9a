import { DAY, formatDuration, HOUR, MINUTE, parseDurationMs, SECOND } from '../../src/base/index.ts'

/**
 * All state that changes what is seen, as an address. Parsing never fails: what is not understood falls back to the default.
 * Pure, so that whoever sends a message can print the same links.
 */

/** A point in time: so long before now, or fixed. */
export type Moment =
  { readonly kind: 'now'; readonly backMs: number } | { readonly kind: 'at'; readonly ms: number }

export interface Range {
  readonly from: Moment
  readonly to: Moment
}

/** How the queue table is ordered; `worst` is the server's order of severity. */
export const QUEUE_COLUMNS = [
  'worst',
  'queue',
  'waiting',
  'oldest',
  'in',
  'out',
  'drains',
  'consumers',
] as const
export type QueueColumn = (typeof QUEUE_COLUMNS)[number]

export interface QueueSort {
  readonly column: QueueColumn
  readonly descending: boolean
}

/** What the Overview shows beside the live state itself. */
export interface OverviewView {
  /** null is the default, which `defaultRange` chooses by how long there has been anything to see. */
  readonly range: Range | null
  readonly sort: QueueSort
  /** The lists that are shown in full. */
  readonly whole: readonly ('queues' | 'workers')[]
  /** The charts that are shown as tables, by id. */
  readonly tables: readonly string[]
  /** The alert whose detail is open, as the contract's `alertKey` writes it. */
  readonly alert: string | null
}

export const MIN_RANGE = MINUTE
export const MAX_RANGE = 32 * DAY
export const NOW: Moment = { kind: 'now', backMs: 0 }
export const LAST_HOUR: Range = { from: { kind: 'now', backMs: HOUR }, to: NOW }
export const WORST: QueueSort = { column: 'worst', descending: false }
export const DEFAULT_VIEW: OverviewView = {
  range: null,
  sort: WORST,
  whole: [],
  tables: [],
  alert: null,
}

/** Reads `now`, `now-1h30m`, epoch seconds, or ISO 8601 with a date (UTC when it names no zone). */
export function parseMoment(text: string): Moment | undefined {
  const trimmed = text.trim()
  if (trimmed === 'now') return NOW
  if (trimmed.startsWith('now-')) {
    const backMs = parseDurationMs(trimmed.slice(4))
    return backMs === undefined ? undefined : { kind: 'now', backMs }
  }
  if (/^\d{1,12}(\.\d{1,3})?$/.test(trimmed)) return { kind: 'at', ms: Math.round(Number(trimmed) * 1000) }
  const iso = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?)(Z|[+-]\d{2}:\d{2})?)?$/.exec(
    trimmed,
  )
  if (iso === null) return undefined
  const ms = Date.parse(`${iso[1]}T${iso[2] ?? '00:00'}${iso[3] ?? 'Z'}`)
  return Number.isNaN(ms) || ms < 0 ? undefined : { kind: 'at', ms }
}

/** The shortest text that `parseMoment` reads back to the same moment. */
export function printMoment(moment: Moment): string {
  if (moment.kind === 'at') return String(moment.ms / 1000)
  return moment.backMs === 0 ? 'now' : `now-${formatDuration(moment.backMs)}`
}

/** A moment in epoch ms. */
export const momentMs = (moment: Moment, nowMs: number): number =>
  moment.kind === 'at' ? moment.ms : nowMs - moment.backMs

/** The range of an address that names none: the last hour, or less while the process is younger than that. */
export function defaultRange(uptimeMs: number): Range {
  const backMs = uptimeMs < 5 * MINUTE ? 5 * MINUTE : uptimeMs < 15 * MINUTE ? 15 * MINUTE : HOUR
  return { from: { kind: 'now', backMs }, to: NOW }
}

/** Both ends in epoch ms. */
export const rangeMs = (range: Range, nowMs: number): { fromMs: number; toMs: number } => ({
  fromMs: momentMs(range.from, nowMs),
  toMs: momentMs(range.to, nowMs),
})

/** True when the range follows the clock to the present. */
export const followsNow = (range: Range): boolean => range.to.kind === 'now' && range.to.backMs === 0

/** A range whose ends make sense together at any time, or undefined. Mixed ends need `nowMs` to compare. */
export function validRange(from: Moment, to: Moment, nowMs: number): Range | undefined {
  const width = momentMs(to, nowMs) - momentMs(from, nowMs)
  return width >= MIN_RANGE && width <= MAX_RANGE ? { from, to } : undefined
}

/** The same width in whole seconds, ending now when that would reach past the present. */
function place(fromMs: number, toMs: number, nowMs: number): Range {
  const whole = (ms: number): number => Math.floor(ms / SECOND) * SECOND
  const widthMs = Math.min(MAX_RANGE, Math.max(MIN_RANGE, whole(toMs - fromMs + SECOND / 2)))
  // Time passes between two presses: an end that is as good as now is now.
  if (toMs >= nowMs - Math.max(5 * SECOND, widthMs / 50))
    return { from: { kind: 'now', backMs: widthMs }, to: NOW }
  const end = whole(Math.max(toMs, widthMs))
  return { from: { kind: 'at', ms: end - widthMs }, to: { kind: 'at', ms: end } }
}

/** Half a width earlier (-1) or later (1). */
export function shiftRange(range: Range, direction: -1 | 1, nowMs: number): Range {
  const { fromMs, toMs } = rangeMs(range, nowMs)
  const by = (direction * (toMs - fromMs)) / 2
  return place(fromMs + by, toMs + by, nowMs)
}

/** Twice the width around the same middle; a range that follows the clock keeps its end. */
export function zoomOut(range: Range, nowMs: number): Range {
  const { fromMs, toMs } = rangeMs(range, nowMs)
  const width = toMs - fromMs
  return followsNow(range)
    ? place(fromMs - width, toMs, nowMs)
    : place(fromMs - width / 2, toMs + width / 2, nowMs)
}

/** A range dragged on a chart. */
export const chosenRange = (fromMs: number, toMs: number, nowMs: number): Range =>
  place(Math.min(fromMs, toMs), Math.max(fromMs, toMs), nowMs)

/** The range with both ends fixed, as an absolute link holds it. Whole seconds are enough. */
export function fixedRange(range: Range, nowMs: number): Range {
  const { fromMs, toMs } = rangeMs(range, nowMs)
  const at = (ms: number): Moment => ({ kind: 'at', ms: Math.round(ms / 1000) * 1000 })
  return { from: at(fromMs), to: at(toMs) }
}

const isColumn = (text: string): text is QueueColumn => (QUEUE_COLUMNS as readonly string[]).includes(text)

const list = (text: string | null): string[] => (text === null || text === '' ? [] : text.split(','))

/** Reads a query string, with or without its `?`. `nowMs` only judges whether a range makes sense. */
export function parseView(search: string, nowMs: number): OverviewView {
  const query = new URLSearchParams(search)
  const from = parseMoment(query.get('from') ?? '')
  const to = parseMoment(query.get('to') ?? 'now')
  const sort = query.get('sort') ?? ''
  const descending = sort.startsWith('-')
  const column = descending ? sort.slice(1) : sort
  const whole = list(query.get('all'))
  const alert = query.get('alert')
  return {
    range: (from && to && validRange(from, to, nowMs)) ?? null,
    sort: isColumn(column) && column !== 'worst' ? { column, descending } : WORST,
    whole: (['queues', 'workers'] as const).filter(name => whole.includes(name)),
    tables: [...new Set(list(query.get('table')).filter(id => /^[\w-]{1,64}$/.test(id)))].sort(),
    alert: alert === null || alert === '' ? null : alert.slice(0, 2000),
  }
}

/** Prints a view as a query string with its `?`, or '' when it is the default. */
export function printView(view: OverviewView): string {
  const query = new URLSearchParams()
  if (view.range !== null) {
    const to = printMoment(view.range.to)
    query.set('from', printMoment(view.range.from))
    if (to !== 'now') query.set('to', to)
  }
  if (view.sort.column !== 'worst') query.set('sort', `${view.sort.descending ? '-' : ''}${view.sort.column}`)
  if (view.whole.length > 0) query.set('all', view.whole.join(','))
  if (view.tables.length > 0) query.set('table', view.tables.join(','))
  if (view.alert !== null) query.set('alert', view.alert)
  // Commas are legal in a query and keep the link readable.
  const text = query.toString().replaceAll('%2C', ',')
  return text === '' ? '' : `?${text}`
}
