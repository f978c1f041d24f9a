import { expect, test } from 'vitest'
import { runScript } from '../../../test/conformance/promql-run.ts'
import { SIGNATURES } from '../functions/signatures.ts'

/**
 * Every function, operator and modifier once or more, with answers worked out by hand from Prometheus' documentation. The
 * format is that of Prometheus' promqltest, whose own scripts `test/conformance/promql-corpus.test.ts` runs.
 */
const SCRIPTS: Readonly<Record<string, string>> = {
  'functions of one value': `
load 1m
  v{l="a"} -1.5
  v{l="b"} 0.5
  v{l="nan"} NaN
  one 1

eval instant at 0 abs(v)
  {l="a"} 1.5
  {l="b"} 0.5
  {l="nan"} NaN
eval instant at 0 ceil(v)
  {l="a"} -1
  {l="b"} 1
  {l="nan"} NaN
eval instant at 0 floor(v)
  {l="a"} -2
  {l="b"} 0
  {l="nan"} NaN
eval instant at 0 sgn(v)
  {l="a"} -1
  {l="b"} 1
  {l="nan"} NaN
eval instant at 0 sqrt(v)
  {l="a"} NaN
  {l="b"} 0.7071067811865476
  {l="nan"} NaN
eval instant at 0 exp(one)
  {} 2.718281828459045
eval instant at 0 ln(one * 7)
  {} 1.9459101490553132
eval instant at 0 log2(one * 8)
  {} 3
eval instant at 0 log10(one * 1000)
  {} 3
eval instant at 0 deg(one * pi())
  {} 180
eval instant at 0 rad(one * 90)
  {} 1.5707963267948966
eval instant at 0 sin(one)
  {} 0.8414709848078965
eval instant at 0 cos(one)
  {} 0.5403023058681398
eval instant at 0 tan(one)
  {} 1.557407724654902
eval instant at 0 asin(one)
  {} 1.5707963267948966
eval instant at 0 acos(one)
  {} 0
eval instant at 0 atan(one)
  {} 0.7853981633974483
eval instant at 0 sinh(one)
  {} 1.1752011936438014
eval instant at 0 cosh(one)
  {} 1.543080634815244
eval instant at 0 tanh(one)
  {} 0.7615941559557649
eval instant at 0 asinh(one)
  {} 0.881373587019543
eval instant at 0 acosh(one * 2)
  {} 1.3169578969248166
eval instant at 0 atanh(one / 2)
  {} 0.5493061443340548
`,
  'functions of a value and scalars': `
load 1m
  v{l="a"} -1.5
  v{l="b"} 2.5
  v{l="nan"} NaN

eval instant at 0 clamp(v, 0, 2)
  {l="a"} 0
  {l="b"} 2
  {l="nan"} NaN
eval instant at 0 clamp(v, 2, 0)
eval instant at 0 clamp_min(v, 1)
  {l="a"} 1
  {l="b"} 2.5
  {l="nan"} NaN
eval instant at 0 clamp_max(v, 1)
  {l="a"} -1.5
  {l="b"} 1
  {l="nan"} NaN
eval instant at 0 round(v)
  {l="a"} -1
  {l="b"} 3
  {l="nan"} NaN
eval instant at 0 round(v, 2)
  {l="a"} -2
  {l="b"} 2
  {l="nan"} NaN
`,
  'scalars, vectors and times': `
load 10s
  up{i="1"} 1 2 3
  up{i="2"} _ 5

eval instant at 5s time()
  5
eval instant at 0 pi()
  3.141592653589793
eval instant at 20s scalar(up{i="1"})
  3
eval instant at 20s scalar(up)
  NaN
eval instant at 20s scalar(nothing)
  NaN
eval instant at 20s vector(scalar(up{i="2"}) + 1)
  {} 6
eval range from 0 to 20s step 10s timestamp(up)
  {i="1"} 0 10 20
  {i="2"} _ 10 10
eval range from 0 to 20s step 10s timestamp(up + 0)
  {i="1"} 0 10 20
  {i="2"} _ 10 20
`,
  dates: `
load 1m
  at 1709210096
  bad NaN

eval instant at 0 year(at)
  {} 2024
eval instant at 0 month(at)
  {} 2
eval instant at 0 day_of_month(at)
  {} 29
eval instant at 0 day_of_week(at)
  {} 4
eval instant at 0 day_of_year(at)
  {} 60
eval instant at 0 days_in_month(at)
  {} 29
eval instant at 0 hour(at)
  {} 12
eval instant at 0 minute(at)
  {} 34
eval instant at 0 year(bad)
  {} NaN
eval range from 0 to 2h step 1h hour()
  {} 0 1 2
`,
  'labels rewritten': `
load 1m
  m{queue="report:high", host="a"} 1
  m{queue="mail", host="b"} 2

eval instant at 0 label_replace(m, "prio", "$2", "queue", "(.*):(.*)")
  m{queue="report:high", host="a", prio="high"} 1
  m{queue="mail", host="b"} 2
eval instant at 0 label_replace(m, "prio", "\${p}-$$-$9x", "queue", "(?P<n>.*):(?P<p>.*)")
  m{queue="report:high", host="a", prio="high-$-"} 1
  m{queue="mail", host="b"} 2
eval instant at 0 label_replace(m, "x", "a$constructor", "queue", "mail")
  m{queue="report:high", host="a"} 1
  m{queue="mail", host="b", x="a"} 2
eval instant at 0 label_replace(m, "queue", "", "queue", "ma")
  m{queue="report:high", host="a"} 1
  m{queue="mail", host="b"} 2
eval instant at 0 label_replace(m, "__name__", "n", "", "")
  n{queue="report:high", host="a"} 1
  n{queue="mail", host="b"} 2
eval instant at 0 label_join(m, "id", "/", "host", "queue", "none")
  m{queue="report:high", host="a", id="a/report:high/"} 1
  m{queue="mail", host="b", id="b/mail/"} 2
eval instant at 0 label_replace(label_replace(m, "queue", "", "", ""), "host", "", "", "")
  expect fail msg: same labelset
eval instant at 0 label_replace(m, "x", "", "queue", "(")
  expect fail msg: invalid regular expression in label_replace(): error parsing regexp: missing closing )
eval instant at 0 label_replace(m, "", "", "queue", "")
  expect fail msg: invalid destination label name in label_replace()
eval instant at 0 label_join(m, "x", "", "")
  expect fail msg: invalid source label name in label_join()
`,
  'functions over time': `
load 10s
  g 4 1 _ 7 NaN
  h 4 1 _ 7 2
  only_nan NaN NaN
  big 1.5e308 1.5e308 1.5e308
  infs Inf Inf
  apart Inf -Inf

eval instant at 40s sum_over_time(h[50s])
  {} 14
eval instant at 40s avg_over_time(h[50s])
  {} 3.5
eval instant at 40s count_over_time(h[50s])
  {} 4
eval instant at 40s min_over_time(g[50s])
  {} 1
eval instant at 40s max_over_time(g[50s])
  {} 7
eval instant at 40s max_over_time(only_nan[50s])
  {} NaN
eval instant at 40s last_over_time(h[50s])
  h 2
eval instant at 40s last_over_time(g[50s])
  g NaN
eval instant at 40s present_over_time(g[50s])
  {} 1
eval instant at 40s stdvar_over_time(h[50s])
  {} 5.25
eval instant at 40s stddev_over_time(h[50s])
  {} 2.29128784747792
eval instant at 40s quantile_over_time(0.5, h[50s])
  {} 3
eval instant at 40s quantile_over_time(0.5, g[50s])
  {} 2.5
eval instant at 40s changes(g[50s])
  {} 3
eval instant at 40s changes(only_nan[50s])
  {} 0
eval instant at 40s resets(h[50s])
  {} 2
eval instant at 40s avg_over_time(big[50s])
  {} 1.5e308
eval instant at 40s sum_over_time(big[50s])
  {} Inf
eval instant at 40s avg_over_time(infs[50s])
  {} Inf
eval instant at 40s avg_over_time(apart[50s])
  {} NaN
eval instant at 40s quantile_over_time(2, h[50s])
  expect warn msg: PromQL warning: quantile value should be between 0 and 1, got 2 (1:20)
  {} Inf
eval instant at 40s sum_over_time(h[9s])
  {} 2
eval instant at 40s sum_over_time(h[10s])
  {} 2
eval instant at 40s sum_over_time(h[10001ms])
  {} 9
`,
  absence: `
load 10s
  up{job="a"} 1 1 stale
  up{job="b"} _ _ 1

eval range from 0 to 30s step 10s absent(up{job="a"})
  {job="a"} _ _ 1 1
eval instant at 0 absent(up{job=~"x", env="y", env="z", host!="h", zone="w"})
  {zone="w"} 1
eval instant at 0 absent(sum(nothing{job="q"}))
  {} 1
eval range from 0 to 30s step 10s absent_over_time(up{job="b"}[5s])
  {job="b"} 1 1 _ 1
eval instant at 5m absent_over_time(up{job="a"}[1m])
  {job="a"} 1
`,
  rates: `
load 10s
  c_total 10 20 30 5 15
  late_total _ _ 3 6
  down 40 30 20 10 0
  gauge 0 10 20 30 40

eval instant at 40s increase(c_total[50s])
  expect no_info
  {} 43.75
eval instant at 40s rate(c_total[50s])
  {} 0.875
eval instant at 40s increase(c_total[20s])
  {} 15
eval instant at 40s irate(c_total[50s])
  {} 1
eval instant at 30s irate(c_total[50s])
  {} 0.5
eval instant at 40s idelta(c_total[50s])
  {} 10
eval instant at 30s idelta(c_total[50s])
  {} -25
eval instant at 40s delta(down[50s])
  {} -50
eval instant at 30s increase(late_total[50s])
  {} 4.5
eval instant at 40s rate(c_total[10s])
eval instant at 40s rate(gauge[50s])
  expect info msg: PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "gauge" (1:6)
  {} 0.8
eval instant at 40s deriv(gauge[50s])
  {} 1
eval instant at 40s predict_linear(gauge[50s], 60)
  {} 100
eval instant at 40s predict_linear(gauge[50s] @ 30, 60)
  {} 100
eval range from 0 to 20s step 10s predict_linear(gauge[50s] @ 40, 0)
  {} 0 10 20
eval instant at 40s double_exponential_smoothing(gauge[50s], 0.5, 0.5)
  {} 40
eval instant at 40s double_exponential_smoothing(c_total[50s], 0.5, 0.5)
  {} 19.375
eval instant at 40s double_exponential_smoothing(gauge[50s], 1, 0.5)
  expect fail msg: invalid smoothing factor. Expected: 0 < factor < 1, got: 1
eval instant at 40s double_exponential_smoothing(gauge[50s], 0.5, 0)
  expect fail msg: invalid trend factor
`,
  'classic histograms': `
load 1m
  b{q="x", le="1"} 2
  b{q="x", le="2"} 6
  b{q="x", le="+Inf"} 8
  b{q="below", le="-1"} 4
  b{q="below", le="+Inf"} 4
  b{q="open", le="1"} 4
  b{q="none", le="1"} 0
  b{q="none", le="+Inf"} 0
  wrong{le="many"} 1
  wrong{le="+Inf"} 1
  wrong{le="1"} 1
  falls{le="1"} 5
  falls{le="2"} 3
  falls{le="+Inf"} 8
  rounded{le="1"} 5
  rounded{le="2"} 4.9999999999999991
  rounded{le="+Inf"} 8

eval instant at 0 histogram_quantile(0.5, b)
  expect no_info
  {q="x"} 1.5
  {q="below"} -1
  {q="open"} NaN
  {q="none"} NaN
eval instant at 0 histogram_quantile(0.125, b{q="x"})
  {q="x"} 0.5
eval instant at 0 histogram_quantile(0.9, b{q="x"})
  {q="x"} 2
eval instant at 0 histogram_quantile(1.5, b{q="x"})
  expect warn msg: PromQL warning: quantile value should be between 0 and 1, got 1.5 (1:20)
  {q="x"} Inf
eval instant at 0 histogram_quantile(-1, b{q="x"})
  expect warn
  {q="x"} -Inf
eval instant at 0 histogram_quantile(0.5, wrong)
  expect warn msg: PromQL warning: bucket label "le" is missing or has a malformed value of "many" for metric name "wrong" (1:25)
  {} 0.5
eval instant at 0 histogram_quantile(0.8, falls)
  expect info regex: needed to be fixed for monotonicity .* \\(1:25\\)
  {} 2
eval instant at 0 histogram_quantile(0.5, rounded)
  expect no_info
  {} 0.8
eval instant at 0 histogram_fraction(0, 1.5, b{q="x"})
  {q="x"} 0.5
eval instant at 0 histogram_fraction(1, Inf, b{q="x"})
  {q="x"} 0.75
eval instant at 0 histogram_fraction(-Inf, 1, b)
  {q="x"} 0.25
  {q="below"} 1
  {q="open"} NaN
  {q="none"} NaN
eval instant at 0 histogram_fraction(2, 1, b{q="x"})
  {q="x"} 0
eval instant at 0 histogram_fraction(NaN, 1, b{q="x"})
  {q="x"} NaN
`,
  aggregations: `
load 1m
  m{q="a", h="1"} 1
  m{q="a", h="2"} 4
  m{q="b", h="1"} 7
  m{q="b", h="2"} NaN
  seven{i="1"} 5
  seven{i="2"} 1
  seven{i="3"} 4
  seven{i="4"} 2
  seven{i="5"} 6
  seven{i="6"} 3
  seven{i="7"} 7
  huge{i="1"} 1e308
  huge{i="2"} 1e308
  huge{i="3"} -1e308

eval instant at 0 sum by (q) (m{h="1"})
  {q="a"} 1
  {q="b"} 7
eval instant at 0 sum without (h) (m{q="a"})
  {q="a"} 5
eval instant at 0 sum(m)
  {} NaN
eval instant at 0 avg(m{q="a"})
  {} 2.5
eval instant at 0 avg(huge)
  {} 3.3333333333333333e307
eval instant at 0 min by (q) (m)
  {q="a"} 1
  {q="b"} 7
eval instant at 0 max by (q) (m)
  {q="a"} 4
  {q="b"} 7
eval instant at 0 count by (h) (m)
  {h="1"} 2
  {h="2"} 2
eval instant at 0 group by (h) (m)
  {h="1"} 1
  {h="2"} 1
eval instant at 0 stddev(m{q="a"})
  {} 1.5
eval instant at 0 stdvar(m{q="a"})
  {} 2.25
eval instant at 0 quantile(0.25, m{q="a"})
  {} 1.75
eval instant at 0 quantile(-1, m{q="a"})
  expect warn msg: PromQL warning: quantile value should be between 0 and 1, got -1 (1:10)
  {} -Inf
eval instant at 0 topk(2, m)
  expect ordered
  m{q="b", h="1"} 7
  m{q="a", h="2"} 4
eval instant at 0 bottomk by (q) (1, m)
  expect ordered
  m{q="a", h="1"} 1
  m{q="b", h="1"} 7
eval instant at 0 topk(4, m)
  expect ordered
  m{q="b", h="1"} 7
  m{q="a", h="2"} 4
  m{q="a", h="1"} 1
  m{q="b", h="2"} NaN
eval instant at 0 topk(3, seven)
  expect ordered
  seven{i="7"} 7
  seven{i="5"} 6
  seven{i="1"} 5
eval instant at 0 bottomk(3, seven)
  expect ordered
  seven{i="2"} 1
  seven{i="4"} 2
  seven{i="6"} 3
eval instant at 0 topk(0, m)
eval instant at 0 topk(NaN, m)
  expect fail msg: Parameter value is NaN
eval instant at 0 topk(1e30, m)
  expect fail msg: overflows int64
eval instant at 0 count_values("value", m)
  {value="1"} 1
  {value="4"} 1
  {value="7"} 1
  {value="NaN"} 1
eval instant at 0 count_values by (q) ("q", m)
  {q="1"} 1
  {q="4"} 1
  {q="7"} 1
  {q="NaN"} 1
eval instant at 0 count_values without (h, v) ("v", m)
  {q="a"} 2
  {q="b"} 2
eval instant at 0 count_values without (h) ("v", m * 0 + 1e21 > 0)
  {q="a", v="1000000000000000000000"} 2
  {q="b", v="1000000000000000000000"} 1
eval instant at 0 count_values("", m)
  expect fail msg: invalid label name
eval instant at 0 sum(nothing)
eval instant at 0 sort(m)
  expect ordered
  m{q="a", h="1"} 1
  m{q="a", h="2"} 4
  m{q="b", h="1"} 7
  m{q="b", h="2"} NaN
eval instant at 0 sort_desc(m)
  expect ordered
  m{q="b", h="1"} 7
  m{q="a", h="2"} 4
  m{q="a", h="1"} 1
  m{q="b", h="2"} NaN
eval range from 0 to 1m step 1m sort_desc(m{q="a"})
  expect warn msg: PromQL warning: sort is ineffective for range queries since results are always ordered by labels (1:1)
  m{q="a", h="1"} 1 1
  m{q="a", h="2"} 4 4
`,
  'rank that changes over a range': `
load 1m
  m{l="a"} 1 5 _
  m{l="b"} 2 2 2
  k 1 1 0

eval range from 0 to 2m step 1m topk(1, m)
  m{l="a"} _ 5 5
  m{l="b"} 2 _ _
eval range from 0 to 2m step 1m bottomk(scalar(k), m)
  m{l="a"} 1 _ _
  m{l="b"} _ 2 _
eval range from 0 to 2m step 1m count_values("v", m)
  {v="1"} 1 _ _
  {v="2"} 1 1 1
  {v="5"} _ 1 1
`,
  arithmetic: `
load 1m
  a{x="1"} 7
  a{x="2"} -7
  b{x="1"} 2
  b{x="3"} 1

eval instant at 0 a + b
  {x="1"} 9
eval instant at 0 a - b
  {x="1"} 5
eval instant at 0 a * b
  {x="1"} 14
eval instant at 0 a / b
  {x="1"} 3.5
eval instant at 0 a % 4
  {x="1"} 3
  {x="2"} -3
eval instant at 0 a ^ b
  {x="1"} 49
eval instant at 0 b atan2 b
  {x="1"} 0.7853981633974483
  {x="3"} 0.7853981633974483
eval instant at 0 2 - a
  {x="1"} -5
  {x="2"} 9
eval instant at 0 -a
  {x="1"} -7
  {x="2"} 7
eval instant at 0 +a
  a{x="1"} 7
  a{x="2"} -7
eval instant at 0 2 ^ 3 ^ 2
  512
eval instant at 0 2 - 3 - 4
  -5
eval instant at 0 1 ^ NaN
  1
eval instant at 0 (-1) ^ Inf
  1
eval instant at 0 5 % 0
  NaN
eval instant at 0 -5m
  -300
eval instant at 0 3 > bool 2
  1
eval instant at 0 NaN == bool NaN
  0
`,
  comparison: `
load 1m
  a{x="1"} 7
  a{x="2"} NaN
  b{x="1"} 7
  b{x="2"} 1

eval instant at 0 a == b
  a{x="1"} 7
eval instant at 0 a != b
  a{x="2"} NaN
eval instant at 0 a >= b
  a{x="1"} 7
eval instant at 0 a > b
eval instant at 0 b < 5
  b{x="2"} 1
eval instant at 0 5 <= b
  b{x="1"} 7
eval instant at 0 b > bool 3
  {x="1"} 1
  {x="2"} 0
eval instant at 0 a <= bool b
  {x="1"} 1
  {x="2"} 0
eval instant at 0 a == on (x) b
  {x="1"} 7
`,
  sets: `
load 1m
  a{x="1", y="p"} 1
  a{x="2", y="q"} 2
  b{x="2", y="r"} 3
  b{x="3", y="q"} 4

eval instant at 0 a and on (x) b
  a{x="2", y="q"} 2
eval instant at 0 a and b
eval instant at 0 a unless ignoring (x) b
  a{x="1", y="p"} 1
eval instant at 0 a or on (x) b
  a{x="1", y="p"} 1
  a{x="2", y="q"} 2
  b{x="3", y="q"} 4
eval instant at 0 a or on () b
  a{x="1", y="p"} 1
  a{x="2", y="q"} 2
eval instant at 0 nothing or vector(1)
  {} 1
`,
  matching: `
load 1m
  done{q="a", r="ok"} 6
  done{q="a", r="bad"} 2
  all{q="a", t="x"} 8
  two{q="a", n="1"} 1
  two{q="a", n="2"} 1

eval instant at 0 done / on (q) group_left all
  {q="a", r="ok"} 0.75
  {q="a", r="bad"} 0.25
eval instant at 0 done / on (q) group_left (t) all
  {q="a", r="ok", t="x"} 0.75
  {q="a", r="bad", t="x"} 0.25
eval instant at 0 all / ignoring (r, t) group_right () done
  {q="a", r="ok"} 1.3333333333333333
  {q="a", r="bad"} 4
eval instant at 0 all < on (q) group_right (t) done * 3
  {q="a", r="ok", t="x"} 8
eval instant at 0 done * on (q) group_left (r) all
  expect fail msg: multiple matches for labels: grouping labels must ensure unique matches
eval instant at 0 done / on (q) all
  expect fail msg: multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)
eval instant at 0 all / on (q) done
  expect fail msg: found duplicate series for the match group {q="a"} on the right hand-side of the operation
eval instant at 0 two * on (q) group_right done
  expect fail msg: on the left hand-side of the operation
eval instant at 0 nothing / on (q) done
eval instant at 0 done > on (q) all
  expect fail msg: many-to-one matching must be explicit
`,
  'matches judged step by step': `
load 1m
  many 1 _ stale 1
  one{l="a"} 1 1 stale
  one{l="b"} _ _ 1 1

eval range from 0 to 3m step 1m many * on () one
  {} 1 1 _ 1
`,
  'offset and @': `
load 10s
  m 0 1 2 3 4 5 6 7 8 9 10

eval instant at 60s m offset 20s
  m 4
eval instant at 60s m offset -20s
  m 8
eval instant at 60s m @ 30
  m 3
eval instant at 60s m @ 30 offset 10s
  m 2
eval range from 40s to 60s step 10s m @ start() + m @ end()
  {} 10 10 10
eval instant at 60s sum_over_time(m[20s] offset 10s)
  {} 9
eval range from 40s to 60s step 10s sum_over_time(m[20s] @ end())
  {} 11 11 11
eval range from 40s to 60s step 10s quantile_over_time(scalar(m) / 10, m[20s] @ end())
  expect no_warn
  {} 5.4 5.5 5.6
`,
  subqueries: `
load 10s
  m 0 1 2 3 4 5 6 7 8 9 10
  gap 1 _ _ _ 5

eval instant at 60s sum_over_time(m[30s:10s])
  {} 15
eval instant at 65s sum_over_time(m[30s:10s])
  {} 15
eval instant at 60s sum_over_time((m * 2)[30s:10s] offset 10s)
  {} 24
eval instant at 60s max_over_time(rate(m[20s])[40s:10s])
  expect info
  {} 0.1
eval instant at 100s count_over_time(m[2m:])
  {} 2
eval range from 20s to 60s step 20s sum_over_time(m[20s:10s])
  {} 3 7 11
eval instant at 60s m[20s:10s]
  expect range vector from 50s to 60s step 10s
  m 5 6
eval instant at 60s sum_over_time(m[30s:10s] @ 40)
  {} 9
eval instant at 40s count_over_time(present_over_time(gap[10s])[50s:10s])
  {} 2
`,
  'staleness and lookback': `
load 1m
  m 1 stale _ 4 _ _ _ _ _ _

eval range from 0 to 9m step 1m m
  m 1 _ _ 4 4 4 4 4 _ _
eval instant at 2m count_over_time(m[3m])
  {} 1
eval instant at 3m m[4m]
  expect range vector from 0 to 3m step 1m
  m 1 _ _ 4
`,
  'equal label sets': `
load 1m
  a_total 1 _ 5
  b_total 2 3

eval instant at 0 rate({__name__=~".*_total"}[5m])
eval instant at 1m -{__name__=~"._total"}
  expect fail msg: vector cannot contain metrics with the same labelset
eval instant at 1m sum(-{__name__=~"._total"})
  expect fail
eval instant at 1m abs({__name__=~"._total"})
  expect fail
eval instant at 1m {__name__=~"._total"} + 1
  expect fail
eval instant at 1m {__name__=~"._total"} > 1
  b_total 3
`,
  'names dropped with type and unit': `
load 1m
  m{__type__="gauge", __unit__="s", x="1"} 3

eval instant at 0 m * 2
  {x="1"} 6
eval instant at 0 m > 2
  m{__type__="gauge", __unit__="s", x="1"} 3
eval instant at 0 m > bool 2
  {x="1"} 1
`,
  'quoted names': `
load 1m
  plain{label="v"} 1

eval instant at 0 {"plain", "label"="v"}
  plain{label="v"} 1
eval instant at 0 sum by ("label") (plain)
  {label="v"} 1
eval instant at 0 "text"
  expect string "text"
`,
}

test.each(Object.entries(SCRIPTS))('%s', (name, script) => {
  const { failures, evals } = runScript(name, script)
  expect(failures).toBe('')
  expect(evals).toBeGreaterThan(0)
})

test('every function and every operator has a case here', () => {
  const text = Object.values(SCRIPTS).join('\n')
  const uncovered = Object.keys(SIGNATURES).filter(name => !new RegExp(`\\b${name}\\(`).test(text))
  expect(uncovered).toEqual([])
  const operators = [
    '+',
    '-',
    '*',
    '/',
    '%',
    '^',
    'atan2',
    '==',
    '!=',
    '<',
    '<=',
    '>',
    '>=',
    'and',
    'or',
    'unless',
  ]
  expect(operators.filter(op => !text.includes(` ${op} `))).toEqual([])
})
