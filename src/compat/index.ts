export { CELERY_EXPORTER_DEFAULTS, type CeleryExporterOptions } from './celery-exporter/options.ts'
export { type CeleryExporterPage, createCeleryExporterPage } from './celery-exporter/page.ts'
