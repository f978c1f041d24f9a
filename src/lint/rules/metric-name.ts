import type { LintRule } from '../contract.ts'
import type { DeclaredMetric } from '../artefacts/python.ts'

export const metricName: LintRule = {
  name: 'metric-name',
  severity: 'info',
  title: 'A metric whose name says another type or unit than it has',
  why: '`_count`, `_sum` and `_bucket` are the parts of histograms, and tools treat what ends so as such. A share is a `_ratio` between 0 and 1, and times are `_seconds`, so that nobody has to know which factor to divide by.',
  bad: [{ path: 'exporter.py', text: `workers = Gauge('celery_worker_count', 'Workers that are up')\n` }],
  good: [{ path: 'exporter.py', text: `workers = Gauge('celery_workers', 'Workers that are up')\n` }],
  sources: ['https://prometheus.io/docs/practices/naming/'],
  check({ declared }, report) {
    for (const metric of declared) {
      if (!/\.py$|\.md$|^-$/.test(metric.place.source.file)) continue
      const fault = faultOf(metric)
      if (fault !== undefined) report({ at: metric.place, message: fault.message, fix: fault.fix })
    }
  },
}

function faultOf({
  name,
  kind,
}: DeclaredMetric): { readonly message: string; readonly fix: string } | undefined {
  const part = /_(?:count|sum|bucket)$/.exec(name)?.[0]
  if (part !== undefined && kind !== 'histogram' && kind !== 'summary')
    return {
      message: `${name} is a ${kind}, but ${part} is the ending of a histogram's part`,
      fix: plural(name.slice(0, -part.length)),
    }
  if (/_(?:percent|percentage|pct)$/.test(name))
    return {
      message: `${name} is in per cent, not a ratio`,
      fix: name.replace(/_(?:percent|percentage|pct)$/, '_ratio'),
    }
  if (/_(?:ms|millis|milliseconds|minutes|hours)(?:_total)?$/.test(name))
    return {
      message: `${name} is not in seconds`,
      fix: name.replace(/_(?:ms|millis|milliseconds|minutes|hours)/, '_seconds'),
    }
  if (kind === 'gauge' && name.endsWith('_total'))
    return {
      message: `${name} is a gauge, but _total is the ending of counters`,
      fix: name.replace(/_total$/, ''),
    }
  return undefined
}

const plural = (name: string): string => (name.endsWith('s') ? name : `${name}s`)
