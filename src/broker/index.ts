export type * from './broker.ts'
export { createMemoryBroker, type MemoryBrokerOptions } from './memory/broker.ts'
export { createMemoryLink } from './memory/link.ts'
export { MemoryServer } from './memory/server.ts'
