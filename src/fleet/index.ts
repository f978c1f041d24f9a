export type * from './contract.ts'
export { createFleet } from './fleet.ts'
export type { FleetOptions } from './options.ts'
