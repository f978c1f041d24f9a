export * from './findings.ts'
export * from './overview.ts'
