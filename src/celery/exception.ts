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

/** What stands in a traceback for a class that could not be pickled, with its repr after it (Celery `utils/serialization.py`). */
const UNPICKLEABLE = 'UnpickleableExceptionWrapper'

/** `ExceptionWithTraceback(WorkerLostError('Worker exited ...'), ...)`: what it wraps, if it says so. */
const WRAPPED = /^ExceptionWithTraceback\((?:exc=)?([A-Za-z_][\w.]{0,400})\(/

/**
 * The class of a failed task's exception, fit to be a label: ASCII letters, digits and underscores, at most 100 characters,
 * never a part of the message. Taken from the repr; when that is Celery's `ExceptionWithTraceback()` or no repr, from the
 * line that ends the traceback; `unknown` when neither can be read.
 */
export function exceptionClass(exception: string, traceback?: string): string {
  const name = reprClass(exception)
  if (name !== undefined && name !== WRAPPER) return name
  return classFromTraceback(traceback) ?? lastPart(WRAPPED.exec(exception)?.[1]) ?? UNKNOWN_EXCEPTION
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
      const name = lastPart(TRACEBACK_END.exec(line)?.[1])
      return name === UNPICKLEABLE ? reprClass(line.slice(line.indexOf(': ') + 2)) : name
    }
    at = end + 1
  }
  return undefined
}

function reprClass(text: string): string | undefined {
  const repr = REPR.exec(text)
  return lastPart(repr?.[1] ?? repr?.[2])
}

function lastPart(dotted: string | undefined): string | undefined {
  if (dotted === undefined) return undefined
  const name = dotted.slice(dotted.lastIndexOf('.') + 1)
  return name.length <= MAX_CLASS_LENGTH && CLASS_NAME.test(name) ? name : undefined
}
