export type * from './contract.ts'
export { createLocalHost, type LocalHost } from './local.ts'
