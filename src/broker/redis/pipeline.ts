import { isReply } from './errors.ts'

/**
 * Sends the commands of `items` a part at a time, so that neither the event loop nor the server is held up by thousands at once;
 * commands of one part leave in one write. Answers come in the order of the items.
 */
export async function inParts<T, R>(
  items: readonly T[],
  size: number,
  ask: (item: T) => Promise<R>,
): Promise<R[]> {
  const answers: R[] = []
  for (let at = 0; at < items.length; at += size)
    answers.push(...(await Promise.all(items.slice(at, at + size).map(ask))))
  return answers
}

/** The answer, or null when the server refuses the command: unknown to it, forbidden, or the key holds something else. */
export async function unlessRefused<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer
  } catch (error) {
    if (isReply(error)) return null
    throw error
  }
}
