export type * from './contract.ts'
export { createDispatcher, type Dispatcher, type DispatcherOptions } from './dispatcher.ts'
