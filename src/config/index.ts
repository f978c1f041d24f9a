export { defineConfig } from './file.ts'
export { type BrokerConfig, type Config, type Flags, loadConfig, VARIABLES } from './load.ts'
export { nearest } from './problems.ts'
