export type * from './contract.ts'
export { createFleet } from './fleet.ts'
