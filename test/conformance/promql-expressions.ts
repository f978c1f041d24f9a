import fc from 'fast-check'

/** Fixed times for `@` and outer bounds; 3 ms off the second, samples are 7 ms off, so no edge ever coincides with a sample. */
export const BASE_MS = 1_700_000_000_000
export const DATA_MS = 40 * 60_000
export const STEP_MS = 15_000

/** The data set: every gauge and counter has these labels. */
export const JOBS = ['api', 'web', 'db'] as const
export const INSTANCES = ['0', '1'] as const

type Text = fc.Arbitrary<string>

const oneOf = (...texts: readonly string[]): Text => fc.constantFrom(...texts)
const matchers = oneOf(
  '',
  '',
  '',
  '{job="api"}',
  '{job!="api"}',
  '{inst=~"0|2"}',
  '{job=~"a.*|w.*",inst!~"1"}',
)
const offset = oneOf(
  '',
  '',
  '',
  '',
  ' offset 2m',
  ' offset -1m',
  ` @ ${BASE_MS / 1000 + 900.003}`,
  ' @ start()',
  ' @ end()',
)
const gauge = oneOf('temp', 'load', 'temp', 'ends')
const counter = oneOf('req_total', 'req_total', 'err_total')
const labels = oneOf('job', 'inst', 'job, inst', '')
const grouping = fc.oneof(
  fc.constant(''),
  labels.map(list => ` by (${list})`),
  labels.map(list => ` without (${list})`),
)
const range = oneOf('1m', '2m', '5m', '90s', '10m')
const number = oneOf('0', '1', '2', '0.5', '-3', '10', '1.5e2', '1e-3')
const phi = oneOf('0', '0.1', '0.5', '0.9', '1', '1.5', '-1')

const instantSelector = fc
  .tuple(fc.oneof(gauge, counter), matchers, offset)
  .map(([name, matcher, modifier]) => `${name}${matcher}${modifier}`)
const rangeSelector = (name: Text): Text =>
  fc
    .tuple(name, matchers, range, offset)
    .map(([metric, matcher, width, modifier]) => `${metric}${matcher}[${width}]${modifier}`)

const OVER_TIME = ['avg', 'min', 'max', 'sum', 'count', 'stddev', 'stdvar', 'last', 'present'].map(
  name => `${name}_over_time`,
)
const ELEMENTWISE =
  'abs ceil floor exp sqrt ln log2 log10 sgn sin cos tan asin acos atan sinh cosh tanh asinh deg rad'.split(
    ' ',
  )
const DATES = [
  'minute',
  'hour',
  'day_of_month',
  'day_of_week',
  'day_of_year',
  'days_in_month',
  'month',
  'year',
]

/** Random well-typed expressions over the data set; what Prometheus 2.42 cannot say is not generated. */
export const expressions: fc.Arbitrary<string> = fc.letrec<{ vector: string; scalar: string; range: string }>(
  tie => {
    const vector = tie('vector')
    const scalar = tie('scalar')
    const binary = (ops: Text): Text =>
      fc
        .tuple(
          vector,
          ops,
          vector,
          oneOf('', '', ' on (job, inst)', ' ignoring (le)', ' on (job)', ' on (inst)'),
        )
        .map(([left, op, right, match]) => `(${left}) ${op}${match} (${right})`)
    return {
      scalar: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        number,
        fc
          .tuple(scalar, oneOf('+', '-', '*', '/', '%', '^', '> bool', '== bool'), scalar)
          .map(([a, op, b]) => `(${a} ${op} ${b})`),
        vector.map(inner => `scalar(${inner})`),
        fc.constant(`(time() - ${BASE_MS / 1000})`),
      ),
      range: fc.oneof(
        { depthSize: 'small' },
        rangeSelector(fc.oneof(gauge, counter)),
        fc
          .tuple(vector, range, oneOf('', '30s', '1m'), offset)
          .map(([inner, width, step, modifier]) => `(${inner})[${width}:${step}]${modifier}`),
      ),
      vector: fc.oneof(
        { depthSize: 'small', maxDepth: 4 },
        { arbitrary: instantSelector, weight: 4 },
        {
          arbitrary: fc
            .tuple(oneOf('rate', 'increase', 'irate', 'resets'), rangeSelector(counter))
            .map(([f, arg]) => `${f}(${arg})`),
          weight: 4,
        },
        {
          arbitrary: fc
            .tuple(oneOf('delta', 'idelta', 'deriv', 'changes', 'resets', ...OVER_TIME), tie('range'))
            .map(([f, arg]) => `${f}(${arg})`),
          weight: 5,
        },
        fc.tuple(phi, tie('range')).map(([q, arg]) => `quantile_over_time(${q}, ${arg})`),
        fc.tuple(tie('range'), number).map(([arg, ahead]) => `predict_linear(${arg}, ${ahead})`),
        tie('range').map(arg => `double_exponential_smoothing(${arg}, 0.4, 0.3)`),
        fc
          .tuple(oneOf('absent_over_time'), rangeSelector(oneOf('temp', 'nothing')))
          .map(([f, arg]) => `${f}(${arg})`),
        fc
          .tuple(oneOf('sum', 'avg', 'min', 'max', 'count', 'group', 'stddev', 'stdvar'), grouping, vector)
          .map(([op, by, inner]) => `${op}${by} (${inner})`),
        fc
          .tuple(oneOf('topk', 'bottomk'), grouping, oneOf('1', '2', '3'), vector)
          .map(([op, by, k, inner]) => `${op}${by} (${k}, ${inner})`),
        fc.tuple(grouping, phi, vector).map(([by, q, inner]) => `quantile${by} (${q}, ${inner})`),
        fc.tuple(grouping, vector).map(([by, inner]) => `count_values${by} ("v", round(${inner}, 5))`),
        { arbitrary: binary(oneOf('+', '-', '*', '/', '%', '^')), weight: 3 },
        { arbitrary: binary(oneOf('>', '<', '>=', '<=', '==', '!=', '> bool', '== bool')), weight: 2 },
        { arbitrary: binary(oneOf('and', 'or', 'unless')), weight: 3 },
        fc
          .tuple(
            vector,
            oneOf('*', '/', '>'),
            vector,
            oneOf('job', 'inst', 'job, inst'),
            oneOf('left', 'right'),
          )
          .map(([a, op, b, on, side]) => `(${a}) ${op} on (${on}) group_${side} () (${b})`),
        fc
          .tuple(vector, oneOf('+', '-', '*', '/', '%', '^', '>', '<=', '!= bool'), scalar)
          .map(([a, op, b]) => `(${a}) ${op} ${b}`),
        fc
          .tuple(scalar, oneOf('+', '-', '*', '/', '<', '>= bool'), vector)
          .map(([a, op, b]) => `${a} ${op} (${b})`),
        vector.map(inner => `-(${inner})`),
        fc.tuple(oneOf(...ELEMENTWISE), vector).map(([f, inner]) => `${f}(${inner})`),
        fc
          .tuple(oneOf(...DATES), oneOf('temp * 1e6', 'timestamp(temp)', 'time() + temp * 1e5'))
          .map(([f, inner]) => `${f}(${inner})`),
        fc.tuple(vector, oneOf('1', '0.1', '5')).map(([inner, to]) => `round(${inner}, ${to})`),
        fc.tuple(vector, number, number).map(([inner, low, high]) => `clamp(${inner}, ${low}, ${high})`),
        fc
          .tuple(oneOf('clamp_min', 'clamp_max'), vector, scalar)
          .map(([f, inner, bound]) => `${f}(${inner}, ${bound})`),
        fc
          .tuple(oneOf('sort', 'sort_desc', 'absent', 'timestamp'), vector)
          .map(([f, inner]) => `${f}(${inner})`),
        scalar.map(inner => `vector(${inner})`),
        vector.map(inner => `label_replace(${inner}, "x", "$2-$1", "job", "(.)(.*)")`),
        vector.map(inner => `label_join(${inner}, "y", "/", "job", "inst")`),
        {
          arbitrary: fc
            .tuple(
              phi,
              oneOf(
                'sum by (le) (rate(lat_bucket[5m]))',
                'rate(lat_bucket[2m])',
                'lat_bucket',
                'sum by (job, le) (lat_bucket offset 3m)',
              ),
            )
            .map(([q, inner]) => `histogram_quantile(${q}, ${inner})`),
          weight: 2,
        },
      ),
    }
  },
).vector
