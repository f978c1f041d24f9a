export type * from './contract.ts'
export { createDispatcher, type Dispatcher, type DispatcherOptions, ROUTE_DEFAULTS } from './dispatcher.ts'
