/** Lets timers, sockets and events have their turn between two pieces of long work. */
export const breathe = (): Promise<void> => new Promise(resolve => void setImmediate(resolve))

/** The same function, run on a turn of its own: many in a row do not hold the event loop longer than the longest of them. */
export const polite =
  <Args extends readonly unknown[], Result>(run: (...args: Args) => Result) =>
  async (...args: Args): Promise<Result> => {
    await breathe()
    return run(...args)
  }
