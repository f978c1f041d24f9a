export type * from './contract.ts'
export { CONTENT_TYPES, negotiateFormat } from './expose.ts'
export {
  createExpositionParser,
  type ExposedSample,
  ExpositionError,
  type ExpositionParser,
  type ExpositionReader,
  parseExposition,
} from './parse.ts'
export { createMetrics } from './registry.ts'
