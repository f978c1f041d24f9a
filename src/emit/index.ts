export { type DocsOptions, emitDocs } from './docs/index.ts'
export type { EmittedFile } from './file.ts'
export { emitPrometheus, emitRuleFile, type PrometheusOptions } from './prometheus/index.ts'
