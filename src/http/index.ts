export type { ExpositionFormat, Health, HttpPorts, QueryRange, QuerySettings } from './ports.ts'
export type { RoutesOptions } from './routes.ts'
export { type HttpServer, listen, type ListenAddress } from './server.ts'
export { loadStaticFiles, type StaticFile } from './static.ts'
