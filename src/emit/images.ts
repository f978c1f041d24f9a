/** Container images, each named once and pinned: a tag that moves is a change nobody made (guide-flaw 35). */
import { NAME } from './names.ts'
import type { EmitSettings } from './settings.ts'

/** What others publish. */
export const IMAGES = {
  node: 'node:22.17.0-bookworm-slim',
  python: 'python:3.12.11-slim-bookworm',
  redis: 'redis:7.4.2-alpine',
  prometheus: 'prom/prometheus:v3.5.0',
  alertmanager: 'prom/alertmanager:v0.28.1',
  grafana: 'grafana/grafana:12.1.0',
  filebeat: 'docker.elastic.co/beats/filebeat:9.2.2',
} as const

/** The repository of our own image; the Dockerfile at the root of Celeriac's source builds it. */
export const REPOSITORY = NAME

export const celeriacImage = ({ version }: Pick<EmitSettings, 'version'>): string =>
  `${REPOSITORY}:${version}`

/** The example service's, built from examples/reports. */
export const reportsImage = ({ version }: Pick<EmitSettings, 'version'>): string =>
  `${REPOSITORY}-example-reports:${version}`
