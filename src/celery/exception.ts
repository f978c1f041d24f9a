/** What stands for an exception whose class cannot be read safely. */
const UNKNOWN_EXCEPTION = 'unknown'

const MAX_CLASS_LENGTH = 100

/** `ValueError('boom')`, `shop.errors.PaymentError()`, and the `<HttpError 404 ...>` form of classes with a repr of their own. */
const REPR = /^([A-Za-z_][\w.]{0,400})\(|^<([A-Za-z_][\w.]{0,400})[ :>(]/

/** `billiard.exceptions.WorkerLostError: Worker exited ...`, or the class alone. */
const TRACEBACK_END = /^([A-Za-z_][\w.]{0,400})(?::|$)/

const CLASS_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

/** What Celery says instead of the class after a hard time limit or the death of a child process (celery-wire.md section 6). */
const WRAPPER = 'ExceptionWithTraceback'

/**
 * The class of a failed task's exception, fit to be a label: ASCII letters, digits and underscores, at most 100 characters,
 * never a part of the message. Taken from the repr; when that is Celery's `ExceptionWithTraceback()` or no repr, from the
 * line that ends the traceback; `unknown` when neither can be read.
 */
export function exceptionClass(exception: string, traceback?: string): string {
  const repr = REPR.exec(exception)
  const name = lastPart(repr?.[1] ?? repr?.[2])
  if (name !== undefined && name !== WRAPPER) return name
  return classFromTraceback(traceback) ?? UNKNOWN_EXCEPTION
}

/** The first line after the last stack frame that is not indented: what follows it may be the rest of a message. */
function classFromTraceback(traceback: string | undefined): string | undefined {
  if (traceback === undefined) return undefined
  let at = traceback.lastIndexOf('\n  File "')
  if (at < 0) at = traceback.startsWith('  File "') ? 0 : -1
  if (at < 0) return undefined
  at += 1
  while (at < traceback.length) {
    const next = traceback.indexOf('\n', at)
    const end = next < 0 ? traceback.length : next
    const first = traceback[at]
    if (first !== ' ' && end > at) {
      const line = traceback.slice(at, Math.min(end, at + 500)).trimEnd()
      return lastPart(TRACEBACK_END.exec(line)?.[1])
    }
    at = end + 1
  }
  return undefined
}

function lastPart(dotted: string | undefined): string | undefined {
  if (dotted === undefined) return undefined
  const name = dotted.slice(dotted.lastIndexOf('.') + 1)
  return name.length <= MAX_CLASS_LENGTH && CLASS_NAME.test(name) ? name : undefined
}
