export * from './findings.ts'
export * from './overview.ts'
export { alertKey, alertLink } from './links.ts'
