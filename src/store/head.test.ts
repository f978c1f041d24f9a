import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CeleriacError, compareText, Labels, type Sample } from '../base/index.ts'
import { createHead, type Matcher, type Store, type StoredSeries } from './index.ts'

const series = (text: string): Labels =>
  Labels.fromEntries(text.split(',').map(pair => pair.split('=') as [string, string]))
const sample = (text: string, value: number): Sample => ({ labels: series(text), value })
const is = (name: string, value: string): Matcher => ({ name, op: '=', value })

type Point = readonly [atMs: number, value: number | 'stale']
const points = (stored: StoredSeries): Point[] => {
  const list: Point[] = []
  for (let i = stored.from; i < stored.to; i++)
    list.push([stored.timestamps[i]!, stored.stale?.[i] === 1 ? 'stale' : stored.values[i]!])
  return list
}
const read = (
  store: Store,
  matchers: readonly Matcher[] = [],
  from = -Infinity,
  to = Infinity,
): Record<string, Point[]> =>
  Object.fromEntries(store.select(matchers, from, to).map(found => [found.labels.toString(), points(found)]))

test('a cycle is read back, and a series missing from the next cycle ends with a stale marker', () => {
  const store = createHead()
  store.appendCycle('p', 1000, [sample('__name__=a', 1), sample('__name__=b', 2)])
  store.appendCycle('p', 2000, [sample('__name__=a', 3)])
  store.appendCycle('p', 3000, [sample('__name__=a', NaN)])
  expect(read(store)).toEqual({
    a: [
      [1000, 1],
      [2000, 3],
      [3000, NaN],
    ],
    b: [
      [1000, 2],
      [2000, 'stale'],
    ],
  })
  expect(store.stats).toMatchObject({ series: 2, samples: 5, oldestMs: 1000, newestMs: 3000 })
})

test('a cycle written in pieces is the same cycle; another producer may write meanwhile, and the next cycle ends an open one', () => {
  const store = createHead()
  const a = sample('__name__=a', 1)
  const b = sample('__name__=b', 2)
  store.appendCycle('p', 1000, [a, b])
  const cycle = store.beginCycle('p', 2000)
  cycle.add([a])
  expect(read(store, [is('__name__', 'a')])).toEqual({
    a: [
      [1000, 1],
      [2000, 1],
    ],
  })
  expect(read(store, [is('__name__', 'b')])).toEqual({ b: [[1000, 2]] })
  store.appendCycle('rules', 2001, [sample('__name__=r', 7)])
  cycle.add([sample('__name__=c', 3)])
  const next = store.beginCycle('p', 3000)
  cycle.add([b])
  next.add([a])
  next.end()
  next.end()
  expect(read(store)).toEqual({
    a: [
      [1000, 1],
      [2000, 1],
      [3000, 1],
    ],
    b: [
      [1000, 2],
      [2000, 'stale'],
    ],
    c: [
      [2000, 3],
      [3000, 'stale'],
    ],
    r: [[2001, 7]],
  })
})

test('a series that returns has nothing between its marker and its return', () => {
  const store = createHead()
  const a = sample('__name__=a', 1)
  const b = sample('__name__=b', 1)
  store.appendCycle('p', 1000, [a, b])
  for (const at of [2000, 3000, 4000]) store.appendCycle('p', at, [b])
  store.appendCycle('p', 5000, [a, b])
  expect(read(store, [is('__name__', 'a')])).toEqual({
    a: [
      [1000, 1],
      [2000, 'stale'],
      [5000, 1],
    ],
  })
  expect(store.select([is('__name__', 'a')], 2000, 4000)).toEqual([])
  expect(store.labelValues('__name__', [], 2000, 4000)).toEqual(['b'])
})

test('the range excludes its start and includes its end', () => {
  const store = createHead()
  for (const at of [1000, 2000, 3000]) store.appendCycle('p', at, [sample('__name__=a', at)])
  expect(read(store, [], 1000, 2000)).toEqual({ a: [[2000, 2000]] })
})

test('cycles out of order are refused and counted for their producer, whole', () => {
  const store = createHead()
  store.appendCycle('p', 2000, [sample('__name__=a', 1)])
  store.appendCycle('p', 2000, [sample('__name__=a', 2), sample('__name__=b', 2)])
  store.appendCycle('p', 1000, [sample('__name__=a', 3)])
  store.appendCycle('q', 1000, [sample('__name__=c', 4)])
  expect(read(store)).toEqual({ a: [[2000, 1]], c: [[1000, 4]] })
  expect(store.stats.samplesRefused).toBe(3)
  expect(store.producers()).toMatchObject([
    { producer: 'p', samplesRefused: 3 },
    { producer: 'q', samplesRefused: 0 },
  ])
})

test('a series given twice in one cycle keeps its first value, and the other is counted', () => {
  const store = createHead()
  store.appendCycle('p', 1000, [sample('__name__=a', 1), sample('__name__=a', 2)])
  expect(read(store)).toEqual({ a: [[1000, 1]] })
  expect(store.stats.samplesRefused).toBe(1)
})

test('a producer that throws while it gives its cycle leaves nothing of it', () => {
  const store = createHead()
  function* broken(): Generator<Sample> {
    yield sample('__name__=a', 1)
    throw new Error('half-way')
  }
  expect(() => store.appendCycle('p', 1000, broken())).toThrow('half-way')
  expect(read(store)).toEqual({})
  expect(() => store.appendCycle('p', NaN, [])).toThrow(CeleriacError)
})

test('ending a producer marks its series stale, even when its clock went back', () => {
  const store = createHead()
  store.appendCycle('p', 1000, [sample('__name__=a', 1)])
  store.appendCycle('q', 1000, [sample('__name__=b', 1)])
  store.endProducer('p', 900)
  store.endProducer('q', 1500)
  expect(read(store)).toEqual({
    a: [
      [1000, 1],
      [1001, 'stale'],
    ],
    b: [
      [1000, 1],
      [1500, 'stale'],
    ],
  })
  expect(store.producers()).toEqual([])
})

test('when one producer ends in the instant in which another begins, the value stands', () => {
  const store = createHead()
  store.appendCycle('old', 1000, [sample('__name__=a', 1)])
  store.endProducer('old', 2000)
  store.appendCycle('new', 2000, [sample('__name__=a', 5)])
  expect(read(store)).toEqual({
    a: [
      [1000, 1],
      [2000, 5],
    ],
  })
})

test('what was selected stays as it was, whatever is appended or dropped later', () => {
  const store = createHead({ retentionMs: 10_000, blockMs: 5000 })
  const a = series('__name__=a')
  for (let at = 1000; at <= 4000; at += 1000) store.appendCycle('p', at, [{ labels: a, value: at }])
  const [before] = store.select([], 0, 10_000)
  const joined = store.select([], 0, 10_000)
  const copy = points(before!)
  for (let at = 5000; at <= 100_000; at += 1000) store.appendCycle('p', at, [{ labels: a, value: at }])
  expect(points(before!)).toEqual(copy)
  expect(points(joined[0]!)).toEqual(copy)
})

test('blocks past the retention are dropped, and series without samples with them', () => {
  const store = createHead({ retentionMs: 10_000, blockMs: 5000 })
  store.appendCycle('p', 1000, [sample('__name__=old,x=1', 1)])
  for (let at = 2000; at <= 30_000; at += 1000) store.appendCycle('p', at, [sample('__name__=a', at)])
  expect(store.stats.series).toBe(1)
  expect(store.stats.oldestMs).toBe(20_000)
  expect(store.labelNames([], -Infinity, Infinity)).toEqual(['__name__'])
  store.appendCycle('p', 31_000, [sample('__name__=old,x=1', 1), sample('__name__=a', 1)])
  expect(read(store, [is('x', '1')])).toEqual({ 'old{x="1"}': [[31_000, 1]] })
})

test('a silent producer is forgotten by the retention and may come back', () => {
  const store = createHead({ retentionMs: 10_000, blockMs: 5000 })
  const mine = sample('__name__=mine', 1)
  store.appendCycle('silent', 1000, [mine])
  for (let at = 2000; at <= 30_000; at += 1000) store.appendCycle('p', at, [sample('__name__=a', at)])
  expect(store.stats.series).toBe(1)
  store.appendCycle('silent', 31_000, [mine])
  store.appendCycle('silent', 32_000, [])
  expect(read(store, [is('__name__', 'mine')])).toEqual({
    mine: [
      [31_000, 1],
      [32_000, 'stale'],
    ],
  })
})

test('the byte budget holds whatever comes, and the newest samples stay', () => {
  const maxBytes = 1024 * 1024
  const store = createHead({ maxBytes, maxSeries: 400 })
  const all = Array.from({ length: 300 }, (_, i) => series(`__name__=m,i=${i}`))
  for (let cycle = 1; cycle <= 2000; cycle++) {
    store.appendCycle(
      'p',
      cycle * 1000,
      all.map(labels => ({ labels, value: cycle })),
    )
    expect(store.stats.bytes).toBeLessThan(maxBytes * 1.1)
  }
  const found = store.select([], 1_999_000, Infinity)
  expect(found).toHaveLength(300)
  expect(store.stats.oldestMs).toBeGreaterThan(1_000_000)
  expect(store.stats.oldestMs).toBeLessThan(1_900_000)
})

test('bytes and samples return to nothing when everything is dropped', () => {
  const store = createHead({ retentionMs: 10_000, blockMs: 5000 })
  store.appendCycle('p', 1000, [])
  const empty = store.stats.bytes
  for (let at = 2000; at <= 9000; at += 1000)
    store.appendCycle('p', at, [sample(`__name__=a${at}`, at), sample('__name__=b', 1)])
  store.appendCycle('p', 100_000, [])
  expect(store.stats).toMatchObject({ series: 0, samples: 0 })
  expect(store.stats.bytes).toBeLessThanOrEqual(empty)
})

test('new series beyond the cap are refused and counted once for as long as they stay refused', () => {
  const store = createHead({ maxSeries: 2 })
  const give = (at: number, ...names: string[]): void =>
    store.appendCycle(
      'p',
      at,
      names.map(name => sample(`__name__=${name}`, at)),
    )
  give(1000, 'a', 'b', 'c', 'd')
  give(2000, 'a', 'b', 'c', 'd')
  expect(store.stats).toMatchObject({ series: 2, seriesDropped: 2, samplesRefused: 0 })
  expect(Object.keys(read(store))).toEqual(['a', 'b'])
  give(3000, 'e')
  expect(store.stats.seriesDropped).toBe(3)
})

test('a matcher that accepts the empty value finds series without the label', () => {
  const store = createHead()
  store.appendCycle('p', 1000, [
    sample('__name__=m,q=a', 1),
    sample('__name__=m,q=b', 1),
    sample('__name__=m', 1),
    sample('__name__=n,q=a', 1),
  ])
  const names = (...matchers: Matcher[]): string[] => Object.keys(read(store, matchers))
  expect(names(is('__name__', 'm'), { name: 'q', op: '!=', value: 'a' })).toEqual(['m', 'm{q="b"}'])
  expect(names(is('__name__', 'm'), is('q', ''))).toEqual(['m'])
  expect(names({ name: 'q', op: '=~', value: 'a|' })).toEqual(['m', 'm{q="a"}', 'n{q="a"}'])
  expect(names({ name: 'q', op: '!~', value: 'b.*' }, { name: 'q', op: '!=', value: '' })).toEqual([
    'm{q="a"}',
    'n{q="a"}',
  ])
  expect(names({ name: 'none', op: '=~', value: '.+' })).toEqual([])
  expect(store.labelValues('q', [is('__name__', 'm')], 0, 2000)).toEqual(['a', 'b'])
  expect(() => names({ name: 'q', op: '=~', value: '(' })).toThrow(CeleriacError)
})

test('matchers over long lists find exactly what a walk over all series finds', () => {
  const store = createHead()
  const all = Array.from({ length: 700 }, (_, i) =>
    series(`__name__=m${i % 2},third=${i % 3},fifth=${i % 5},seventh=${i % 7},own=${i}`),
  )
  store.appendCycle(
    'p',
    1000,
    all.map(labels => ({ labels, value: 1 })),
  )
  const part = fc.record({
    name: fc.constantFrom('__name__', 'third', 'fifth', 'seventh', 'own'),
    op: fc.constantFrom('=', '!=', '=~', '!~'),
    value: fc.constantFrom('m1', '0', '1', '2', '1|2', '[13]', '.*1', '.+'),
  })
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), matchers => {
      const wanted = all.filter(labels =>
        matchers.every(({ name, op, value }) => {
          const isEqual = op.endsWith('~')
            ? new RegExp(`^(?:${value})$`).test(labels.get(name))
            : labels.get(name) === value
          return op.startsWith('!') ? !isEqual : isEqual
        }),
      )
      const found = store.select(matchers, 0, 2000).map(({ labels }) => labels.key)
      expect(found).toEqual([...wanted].sort((a, b) => Labels.compare(a, b)).map(({ key }) => key))
    }),
    { numRuns: 500 },
  )
})

test('a producer that makes its label sets anew each time does not fill the memory', () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const store = createHead()
  const cycles = (from: number, to: number): number => {
    for (let at = from; at < to; at++) store.appendCycle('p', at, [sample('__name__=a,queue=reports', at)])
    collect()
    return process.memoryUsage().heapUsed
  }
  const before = cycles(1, 1000)
  // One label set of two labels is about 300 bytes: 100,000 kept ones would be 30 MB.
  expect(cycles(1000, 100_000) - before).toBeLessThan(8_000_000)
})

/** The store as one would write it without any care for speed. */
class NaiveStore {
  readonly samples = new Map<string, { labels: Labels; at: number; value: number; stale: boolean }[]>()
  readonly producers = new Map<string, { last: number; live: Map<string, Labels> }>()

  append(name: string, at: number, samples: readonly Sample[]): void {
    const producer = this.producers.get(name) ?? { last: -Infinity, live: new Map<string, Labels>() }
    if (at <= producer.last) return
    const live = new Map<string, Labels>()
    for (const { labels, value } of samples) {
      if (live.has(labels.key)) continue
      live.set(labels.key, labels)
      this.#add(labels, at, value, false)
    }
    for (const [key, labels] of producer.live) if (!live.has(key)) this.#add(labels, at, 0, true)
    this.producers.set(name, { last: at, live })
  }

  end(name: string, at: number): void {
    const producer = this.producers.get(name)
    if (producer === undefined) return
    if (producer.live.size > 0) this.append(name, Math.max(at, producer.last + 1), [])
    this.producers.delete(name)
  }

  #add(labels: Labels, at: number, value: number, stale: boolean): void {
    const list = this.samples.get(labels.key) ?? []
    const same = list.find(other => other.at === at)
    if (same === undefined) list.push({ labels, at, value, stale })
    else if (same.stale && !stale) Object.assign(same, { value, stale })
    this.samples.set(labels.key, list)
  }

  read(matchers: readonly Matcher[], from: number, to: number): Record<string, Point[]> {
    const found: Record<string, Point[]> = {}
    const lists = [...this.samples.values()].sort((a, b) => Labels.compare(a[0]!.labels, b[0]!.labels))
    for (const list of lists) {
      const labels = list[0]!.labels
      const isWanted = matchers.every(({ name, op, value }) => {
        const has = op.endsWith('~')
          ? new RegExp(`^(?:${value})$`).test(labels.get(name))
          : labels.get(name) === value
        return op.startsWith('!') ? !has : has
      })
      const inside = list.filter(({ at }) => at > from && at <= to).sort((a, b) => a.at - b.at)
      if (isWanted && inside.length > 0)
        found[labels.toString()] = inside.map(({ at, value, stale }) => [at, stale ? 'stale' : value])
    }
    return found
  }
}

function expectSame(
  store: Store,
  naive: NaiveStore,
  matchers: readonly Matcher[],
  from: number,
  to: number,
): void {
  const expected = naive.read(matchers, from, to)
  const found = read(store, matchers, from, to)
  expect(found).toEqual(expected)
  expect(Object.keys(found)).toEqual(Object.keys(expected))
}

const names = ['m', 'n']
const labelValues = ['', 'a', 'b', 'ab']
const labelsArbitrary = fc
  .tuple(fc.constantFrom(...names), fc.constantFrom(...labelValues), fc.constantFrom(...labelValues))
  .map(([name, x, y]) => ({ __name__: name, x, y }))
const matcherArbitrary: fc.Arbitrary<Matcher> = fc.record({
  name: fc.constantFrom('__name__', 'x', 'y', 'z'),
  op: fc.constantFrom('=', '!=', '=~', '!~'),
  value: fc.constantFrom('', 'm', 'a', 'a|b', 'a.*', '.*', '.+', '[ab]'),
})
const stepArbitrary = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      producer: fc.constantFrom('p', 'q', 'r'),
      advance: fc.integer({ min: -2, max: 12 }),
      series: fc.array(labelsArbitrary, { maxLength: 8 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('end' as const),
      producer: fc.constantFrom('p', 'q', 'r'),
      advance: fc.integer({ min: -2, max: 3 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('read' as const),
      matchers: fc.array(matcherArbitrary, { maxLength: 3 }),
      from: fc.integer({ min: -10, max: 300 }),
      length: fc.integer({ min: 0, max: 200 }),
    }),
  },
)

test('the head answers as a naive store does, for any cycles, producers and selections', () => {
  fc.assert(
    fc.property(fc.array(stepArbitrary, { maxLength: 60 }), fc.boolean(), (steps, reuse) => {
      const store = createHead({ blockMs: 40, retentionMs: 1e9 })
      const naive = new NaiveStore()
      const interned = new Map<string, Labels>()
      let now = 0
      for (const step of steps) {
        if (step.kind === 'read') {
          expectSame(store, naive, step.matchers, step.from, step.from + step.length)
          continue
        }
        const at = now + step.advance
        now = Math.max(now, at)
        if (step.kind === 'end') {
          store.endProducer(step.producer, at)
          naive.end(step.producer, at)
          continue
        }
        // One value a series and time: which of two producers wins is not what is tested here.
        const samples = step.series.map(entry => {
          const fresh = Labels.from(entry)
          const labels = reuse ? (interned.get(fresh.key) ?? fresh) : fresh
          interned.set(labels.key, labels)
          return { labels, value: at * 100 + labels.key.length }
        })
        store.appendCycle(step.producer, at, samples)
        naive.append(step.producer, at, samples)
      }
      expect(read(store)).toEqual(naive.read([], -Infinity, Infinity))
      const all = [...naive.samples.values()].flat()
      expect(store.stats.series).toBe(naive.samples.size)
      const expectedNames = new Set(all.flatMap(({ labels }) => [...labels].map(([name]) => name)))
      expect(store.labelNames([], -Infinity, Infinity)).toEqual([...expectedNames].sort(compareText))
    }),
    { numRuns: 300 },
  )
})

test('under retention and a small budget everything recent answers as a naive store does', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(labelsArbitrary, { maxLength: 10 }), { minLength: 20, maxLength: 120 }),
      cycles => {
        const store = createHead({ blockMs: 50, retentionMs: 100, maxSeries: 1000 })
        const naive = new NaiveStore()
        cycles.forEach((cycle, i) => {
          const at = i * 10
          const samples = cycle.map(entry => ({ labels: Labels.from(entry), value: i }))
          store.appendCycle('p', at, samples)
          naive.append('p', at, samples)
          // A series that was absent for the whole retention is new when it returns, markers before that are gone.
          expect(read(store, [], at - 100, at)).toEqual(naive.read([], at - 100, at))
        })
        expect(store.stats.oldestMs).toBeGreaterThanOrEqual((cycles.length - 1) * 10 - 200)
      },
    ),
    { numRuns: 100 },
  )
})

test('series that come after a selection was remembered are in the next one, in order', () => {
  const store = createHead()
  const sample = (task: number): Sample => ({
    labels: Labels.from({ __name__: 'm', task: String(task), odd: String(task % 2) }),
    value: task,
  })
  const tasksOf = (matchers: readonly Matcher[]): string[] =>
    store.select(matchers, 0, 1e6).map(({ labels }) => labels.get('task'))
  const known: Sample[] = []
  for (let cycle = 1; cycle <= 5; cycle++) {
    for (let i = 0; i < 700; i++) known.push(sample((known.length * 7919) % 100_003))
    store.appendCycle('p', cycle * 1000, known)
    for (const odd of ['0', '1'])
      for (const op of ['=', '!='] as const) {
        const expected = known
          .map(({ labels }) => labels)
          .filter(labels => (labels.get('odd') === odd) === (op === '='))
          .sort((a, b) => Labels.compare(a, b))
          .map(labels => labels.get('task'))
        expect(tasksOf([{ name: 'odd', op, value: odd }])).toEqual(expected)
      }
  }
})

test('a selection of many series is read in pieces, and is the same when paused', () => {
  const store = createHead()
  const samples = Array.from({ length: 20_000 }, (_, i) => ({
    labels: Labels.from({ __name__: 'm', i: String((i * 7919) % 20_000) }),
    value: i,
  }))
  store.appendCycle('p', 1000, samples)
  const matchers = [{ name: '__name__', op: '=', value: 'm' }] as const
  const work = store.selecting(matchers, 0, 1000)
  let pauses = 0
  let step = work.next()
  for (; step.done !== true; step = work.next()) pauses++
  expect(pauses).toBeGreaterThanOrEqual(40)
  const keys = (found: readonly StoredSeries[]): string[] => found.map(({ labels }) => labels.key)
  expect(keys(step.value)).toEqual(keys(store.select(matchers, 0, 1000)))
  // Remembered: only reading is left.
  let again = 0
  for (const second = store.selecting(matchers, 0, 1000); second.next().done !== true;) again++
  expect(again).toBeLessThan(pauses)
})

test('a large block is trimmed and dropped bit by bit while others write, and in the end nothing of it is left', () => {
  const store = createHead({ retentionMs: 1000, blockMs: 1000 })
  const old = Array.from({ length: 20_000 }, (_, i) => ({
    labels: Labels.from({ __name__: 'old', i: String(i) }),
    value: i,
  }))
  store.appendCycle('old', 1000, old)
  store.endProducer('old', 1001)
  // Past the retention: every piece that is written now takes a part of it away.
  const present = [sample('__name__=new', 1)]
  const seriesLeft: number[] = []
  for (let i = 0; i < 20; i++) {
    store.appendCycle('new', 10_000 + i, present)
    seriesLeft.push(store.stats.series)
  }
  const steps = seriesLeft.map((left, i) => (seriesLeft[i - 1] ?? 20_001) - left)
  expect(Math.max(...steps)).toBeLessThan(20_000)
  expect(seriesLeft.at(-1)).toBe(1)
  expect(store.stats.samples).toBe(20)
  expect(store.select([is('__name__', 'old')], -Infinity, Infinity)).toEqual([])
})
