export type * from './contract.ts'
export { CONTENT_TYPES, negotiateFormat } from './expose.ts'
export { createMetrics } from './registry.ts'
