import type { LintRule } from '../contract.ts'
import type { Tree } from '../text/tree.ts'

const CONFIG = (parsers: string): string => `filebeat.inputs:
  - type: filestream
    id: celery-workers
    paths: [/var/log/containers/worker-*.log]
    prospector.scanner.symlinks: true
    parsers:
      - container: ~${parsers}
output.elasticsearch:
  hosts: ['https://elasticsearch:9200']
`

export const filebeatJsonUndecoded: LintRule = {
  name: 'filebeat-json-undecoded',
  severity: 'warning',
  title: 'Container logs whose JSON nobody decodes',
  why: 'A structured log arrives as one string in `message`: no search by level, task or correlation id. Decode it with the parser `ndjson`; lines that are not JSON pass through it.',
  bad: [{ path: 'filebeat.yml', text: CONFIG('') }],
  good: [{ path: 'filebeat.yml', text: CONFIG('\n      - ndjson: { target: "", add_error_key: true }') }],
  sources: ['https://www.elastic.co/docs/reference/beats/filebeat/filebeat-input-filestream#_ndjson'],
  check({ filebeats }, report) {
    for (const { root, inputs } of filebeats) {
      const globally = mentions(root.get('processors'), 'decode_json_fields')
      for (const input of inputs) {
        const isContainers =
          input.get('type')?.text === 'container' ||
          (input.get('paths')?.texts ?? []).some(path => path.includes('/containers/'))
        if (!isContainers || globally || decodes(input)) continue
        report({
          at: (input.get('parsers') ?? input.get('type') ?? input).place,
          within: input.place,
          message: 'container logs are read as text: JSON in them is not decoded',
          fix: 'parsers:\n  - container: ~\n  - ndjson: { target: "", add_error_key: true }',
        })
      }
    }
  },
}

const decodes = (input: Tree): boolean =>
  input.entries.some(({ key }) => key === 'json' || key.startsWith('json.')) ||
  mentions(input.get('parsers'), 'ndjson') ||
  mentions(input.get('processors'), 'decode_json_fields') ||
  mentions(input.get('processors'), 'script')

const mentions = (list: Tree | undefined, key: string): boolean =>
  (list?.items ?? []).some(item => item.has(key))
