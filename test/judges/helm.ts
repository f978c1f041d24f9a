/** The judge of charts: Helm itself, in two versions. */
import { spawnSync } from 'node:child_process'
import { parseAllDocuments } from 'yaml'
import { judge } from './kubernetes.ts'

export const HELMS = ['helm-3', 'helm-4'] as const
export type Helm = (typeof HELMS)[number]

interface Said {
  readonly ok: boolean
  readonly text: string
}

function run(helm: Helm, args: readonly string[]): Said {
  const { status, stdout, stderr } = spawnSync(judge(helm), args, {
    encoding: 'utf8',
    // Nothing of the user's own settings, plug-ins and clusters.
    env: { PATH: process.env['PATH'], HOME: '/nonexistent', HELM_NO_PLUGINS: '1' },
  })
  return { ok: status === 0, text: stdout + stderr }
}

const sets = (values: readonly string[]): readonly string[] => values.flatMap(value => ['--set-json', value])

/** `helm lint --strict` with values as `--set-json` takes them. */
export const lint = (helm: Helm, chart: string, values: readonly string[] = []): Said =>
  run(helm, ['lint', '--strict', chart, ...sets(values)])

/** The objects that `helm template` makes. Throws what Helm said. */
export function render(
  helm: Helm,
  chart: string,
  values: readonly string[] = [],
  release = 'celeriac',
): readonly unknown[] {
  const { ok, text } = run(helm, ['template', release, chart, '--namespace', 'shop', ...sets(values)])
  if (!ok) throw new Error(text)
  return parseAllDocuments(text, { version: '1.1' })
    .map((document): unknown => {
      if (document.errors.length > 0) throw new Error(document.errors.join('\n'))
      return document.toJS()
    })
    .filter(object => object !== null)
}
