import type { LintRule } from '../contract.ts'

const CONFIG = (host: string): string => `filebeat.inputs:
  - type: filestream
    id: celery-workers
    paths: [/var/log/celery/*.log]
output.elasticsearch:
  hosts: ['${host}']
  username: \${ELASTICSEARCH_USERNAME}
  password: \${ELASTICSEARCH_PASSWORD}
`

export const filebeatPlainPassword: LintRule = {
  name: 'filebeat-plain-password',
  severity: 'warning',
  title: 'A password sent over plain HTTP',
  why: 'A host without a scheme is plain HTTP to Filebeat: user and password go over the network in clear with every batch. Write `https://`, and the authority of the certificate where it is your own.',
  bad: [{ path: 'filebeat.yml', text: CONFIG('${ELASTICSEARCH_HOST}:9200') }],
  good: [{ path: 'filebeat.yml', text: CONFIG('https://${ELASTICSEARCH_HOST}:9200') }],
  sources: ['https://www.elastic.co/docs/reference/beats/filebeat/elasticsearch-output#hosts-option'],
  check({ filebeats }, report) {
    for (const { root } of filebeats) {
      const output = root.get('output.elasticsearch') ?? root.get('output', 'elasticsearch')
      const secret = output?.has('password') === true || output?.has('api_key') === true
      const protocol = output?.get('protocol')?.text
      if (output === undefined || !secret || protocol === 'https' || output.has('ssl')) continue
      for (const host of output.get('hosts')?.items ?? []) {
        const address = host.text ?? ''
        if (
          address.startsWith('https://') ||
          /^(?:http:\/\/)?(?:localhost|127\.0\.0\.1)/.test(address) ||
          (address.startsWith('${') && !address.includes(':'))
        )
          continue
        report({
          at: host.place,
          within: output.place,
          message: `${address} is spoken to over plain HTTP, with a password`,
          fix: `https://${address.replace(/^http:\/\//, '')}`,
        })
      }
    }
  },
}
