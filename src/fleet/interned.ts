/**
 * One copy of each name, however many tasks carry it. At most `capacity` names; further ones are passed through as they are, so
 * that nothing but memory is lost.
 */
export class Interned {
  readonly #names = new Map<string, string>()
  readonly #capacity: number

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  of(text: string): string {
    const known = this.#names.get(text)
    if (known !== undefined) return known
    if (this.#names.size < this.#capacity) this.#names.set(text, text)
    return text
  }
}
