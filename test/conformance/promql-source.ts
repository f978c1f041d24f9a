import { compileMatcher, Labels } from '../../src/base/index.ts'
import type { LabelMatcher, SeriesColumns, SeriesSource } from '../../src/promql/index.ts'
import type { SeriesLine } from './promql-script.ts'

type Sample = number | 'stale'

/** The smallest store that keeps the port's promises, for tests: samples by time, series sorted, ranges left-open. */
export class TestSource implements SeriesSource {
  readonly #series = new Map<string, { labels: Labels; samples: Map<number, Sample> }>()
  #columns: SeriesColumns[] | undefined

  clear(): void {
    this.#series.clear()
    this.#columns = undefined
  }

  add(labels: Labels, atMs: number, value: Sample): void {
    const series = this.#series.get(labels.key) ?? { labels, samples: new Map<number, Sample>() }
    this.#series.set(labels.key, series)
    series.samples.set(atMs, value)
    this.#columns = undefined
  }

  load(lines: readonly SeriesLine[], stepMs: number): void {
    for (const { labels, values } of lines)
      values.forEach((value, i) => {
        if (value !== undefined) this.add(labels, i * stepMs, value)
      })
  }

  select(matchers: readonly LabelMatcher[], fromMs: number, toMs: number): readonly SeriesColumns[] {
    const tests = matchers.map(matcher => ({ name: matcher.name, test: compileMatcher(matcher) }))
    return this.#all()
      .filter(({ labels }) => tests.every(({ name, test }) => test(labels.get(name))))
      .map(series => {
        const from = series.timestamps.findIndex(time => time > fromMs)
        const to = series.timestamps.findLastIndex(time => time <= toMs) + 1
        return { ...series, from: from < 0 ? to : Math.min(from, to), to }
      })
      .filter(series => series.to > series.from)
  }

  #all(): readonly SeriesColumns[] {
    this.#columns ??= [...this.#series.values()]
      .sort((a, b) => Labels.compare(a.labels, b.labels))
      .map(({ labels, samples }) => {
        const sorted = [...samples].sort(([a], [b]) => a - b)
        return {
          labels,
          timestamps: Float64Array.from(sorted, ([time]) => time),
          values: Float64Array.from(sorted, ([, value]) => (value === 'stale' ? NaN : value)),
          stale: sorted.some(([, value]) => value === 'stale')
            ? Uint8Array.from(sorted, ([, value]) => (value === 'stale' ? 1 : 0))
            : undefined,
          from: 0,
          to: sorted.length,
        }
      })
    return this.#columns
  }
}
