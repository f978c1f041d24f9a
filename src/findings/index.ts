export * from './contract.ts'
export type { Facts } from './facts.ts'
export { findFindings } from './find.ts'
export { Observations, type Round } from './observations.ts'
