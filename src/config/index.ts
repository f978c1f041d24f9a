export { defineConfig } from './file.ts'
export type { BrokerConfig } from './brokers.ts'
export { type Config, type Flags, loadConfig, VARIABLES } from './load.ts'
export { type CeleryExporterFlags, isSetUpAsCeleryExporter } from './celery-exporter.ts'
