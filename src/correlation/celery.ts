import { currentCorrelationId } from './context.ts'
import { newCorrelationId } from './correlation-id.ts'

/**
 * The message header in which the id travels with a task. Celery has a property called `correlation_id` already, which must equal
 * the task's id or results are lost (celery/app/amqp.py `as_task_v2`), so this one has another name.
 */
export const CELERY_CORRELATION_HEADER = 'x_correlation_id'

/**
 * Headers to send a Celery task with, from Node or anything else that publishes: `{...headers, ...celeryHeaders()}`. In Python a
 * worker reads it as `task.request.x_correlation_id`; Celery keeps the headers of a message for its retries.
 */
export function celeryHeaders(
  correlationId: string = currentCorrelationId() ?? newCorrelationId(),
): Record<typeof CELERY_CORRELATION_HEADER, string> {
  return { [CELERY_CORRELATION_HEADER]: correlationId }
}
