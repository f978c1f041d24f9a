import { type ConfiguredAlert, configureAlerts } from '../catalog/index.ts'
import type { Config } from '../config/index.ts'

/** What the catalog's rules are made with: the alerts with config laid over them, and how people reach us. */
export interface CatalogSettings {
  readonly alerts: readonly ConfiguredAlert[]
  readonly intervalMs: number
  readonly externalUrl?: string
}

/** The same for the program and for `emit`, so that what is emitted is what is evaluated. */
export const catalogSettings = (config: Config): CatalogSettings => ({
  alerts: configureAlerts(config.alerts),
  intervalMs: config.evaluationIntervalMs,
  ...(config.externalUrl === undefined ? {} : { externalUrl: config.externalUrl }),
})
