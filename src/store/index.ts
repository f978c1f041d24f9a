export type * from './contract.ts'
export { createHead, type Head, type HeadOptions, type ProducerStats } from './head.ts'
