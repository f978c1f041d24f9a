export { CELERY_CORRELATION_HEADER, celeryHeaders } from './celery.ts'
export { correlationMixin, currentCorrelationId, withCorrelationId } from './context.ts'
export {
  acceptCorrelationId,
  CORRELATION_HEADER,
  type CorrelationHeaders,
  isCorrelationId,
  newCorrelationId,
  traceIdOf,
} from './correlation-id.ts'
export { correlationForExpress, correlationForFastify, correlationForHono } from './frameworks.ts'
