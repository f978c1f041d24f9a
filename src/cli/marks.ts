import { styleText } from 'node:util'

/** How serious a finding is: wrong hurts now, missing is not there, info is worth knowing. */
export type Level = 'ok' | 'info' | 'missing' | 'wrong'

const MARKS: Readonly<
  Record<Level, { readonly word: string; readonly color: 'green' | 'red' | 'yellow' | 'gray' }>
> = {
  ok: { word: 'ok', color: 'green' },
  info: { word: 'info', color: 'gray' },
  missing: { word: 'missing', color: 'yellow' },
  wrong: { word: 'WRONG', color: 'red' },
}
/** Room for a mark and the space behind it. */
export const MARK_WIDTH = 9

/** What can be seen first, then what costs something, the worst last: that is where the reader's eye is. */
const ORDER: readonly Level[] = ['ok', 'info', 'missing', 'wrong']

export const worstLast = (a: { readonly level: Level }, b: { readonly level: Level }): number =>
  ORDER.indexOf(a.level) - ORDER.indexOf(b.level)

/** The mark of a level, in its colour where the stream shows colours. */
export const markOf = (level: Level, stream: NodeJS.WritableStream): string =>
  styleText(MARKS[level].color, MARKS[level].word.padEnd(MARK_WIDTH), { stream, validateStream: true })
