export type * from './contract.ts'
export { Distribution } from './distribution.ts'
export { CONTENT_TYPES, expose, type ExposedFamily, type ExposedSeries, negotiateFormat } from './expose.ts'
export {
  createExpositionParser,
  type ExposedSample,
  ExpositionError,
  type ExpositionParser,
  type ExpositionReader,
  parseExposition,
} from './parse.ts'
export { createMetrics } from './registry.ts'
export { labelPairs } from './text.ts'
