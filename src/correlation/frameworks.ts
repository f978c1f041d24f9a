import type { IncomingMessage, ServerResponse } from 'node:http'
import { withCorrelationId } from './context.ts'
import { acceptCorrelationId, CORRELATION_HEADER } from './correlation-id.ts'

/** What of Hono's context is used. */
interface HonoContext {
  readonly req: { header(name: string): string | undefined }
  header(name: string, value: string): void
}

/**
 * Middleware for Hono: `app.use(correlationForHono())`. Accepts or makes the id of the request, answers with it, and runs the
 * handlers under it.
 */
export function correlationForHono(): (context: HonoContext, next: () => Promise<void>) => Promise<void> {
  return async (context, next) => {
    const id = acceptCorrelationId({
      correlationId: context.req.header(CORRELATION_HEADER),
      traceparent: context.req.header('traceparent'),
    })
    context.header(CORRELATION_HEADER, id)
    await withCorrelationId(id, next)
  }
}

const idOf = ({ headers }: Pick<IncomingMessage, 'headers'>): string =>
  acceptCorrelationId({ correlationId: headers[CORRELATION_HEADER], traceparent: headers['traceparent'] })

/** Middleware for Express and everything else that calls `(req, res, next)`: `app.use(correlationForExpress())`, before all others. */
export function correlationForExpress(): (
  request: Pick<IncomingMessage, 'headers'>,
  response: Pick<ServerResponse, 'setHeader'>,
  next: () => void,
) => void {
  return (request, response, next) => {
    const id = idOf(request)
    response.setHeader(CORRELATION_HEADER, id)
    withCorrelationId(id, next)
  }
}

/** What of Fastify's reply is used. */
interface FastifyReply {
  header(name: string, value: string): unknown
}

/** A hook for Fastify: `fastify.addHook('onRequest', correlationForFastify())`. */
export function correlationForFastify(): (
  request: Pick<IncomingMessage, 'headers'>,
  reply: FastifyReply,
  done: () => void,
) => void {
  return (request, reply, done) => {
    const id = idOf(request)
    reply.header(CORRELATION_HEADER, id)
    withCorrelationId(id, done)
  }
}
