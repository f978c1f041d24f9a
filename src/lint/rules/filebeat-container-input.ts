import type { LintRule } from '../contract.ts'

const CONFIG = (input: string): string => `filebeat.inputs:
${input}
output.elasticsearch:
  hosts: ['https://elasticsearch:9200']
`

export const filebeatContainerInput: LintRule = {
  name: 'filebeat-container-input',
  severity: 'error',
  title: 'An input of type `container` or `log`',
  why: 'Both are the old log input, disabled in Filebeat 9: Filebeat does not start. `filestream` takes their place; it wants an `id` of its own for each input and reads container logs with the parser `container`.',
  bad: [
    {
      path: 'filebeat.yml',
      text: CONFIG(
        '  - type: container\n    paths: [/var/log/containers/worker-*.log]\n    json.keys_under_root: true',
      ),
    },
  ],
  good: [
    {
      path: 'filebeat.yml',
      text: CONFIG(
        '  - type: filestream\n    id: celery-workers\n    paths: [/var/log/containers/worker-*.log]\n    prospector.scanner.symlinks: true\n    parsers:\n      - container: ~\n      - ndjson: { target: "" }',
      ),
    },
  ],
  sources: ['https://www.elastic.co/docs/reference/beats/filebeat/filebeat-input-container'],
  check({ filebeats }, report) {
    for (const input of filebeats.flatMap(({ inputs }) => inputs)) {
      const type = input.get('type')
      if (type?.text !== 'container' && type?.text !== 'log') continue
      report({
        at: type.place,
        within: input.place,
        message: `input of type ${type.text}, which Filebeat 9 refuses`,
        fix: `type: filestream\nid: celery-workers\nprospector.scanner.symlinks: true\nparsers:${type.text === 'container' ? '\n  - container: ~' : ''}\n  - ndjson: { target: "", add_error_key: true }`,
      })
    }
  },
}
