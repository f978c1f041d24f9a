import type { Place, Source } from './source.ts'

export interface Word {
  /** Without its quotes. */
  readonly text: string
  readonly place: Place
}

/** One command of a shell script: its words in order. */
export interface ShellCommand {
  readonly words: readonly Word[]
  readonly place: Place
}

/** The commands of a script (POSIX shell, chapter 2: quoting, comments, line joining), without expanding anything. */
export function shellCommands(source: Source): readonly ShellCommand[] {
  const { text } = source
  const commands: ShellCommand[] = []
  let words: Word[] = []
  const end = (): void => {
    const first = words[0]
    const last = words.at(-1)
    if (first !== undefined && last !== undefined)
      commands.push({ words, place: source.place(first.place.start, last.place.end) })
    words = []
  }
  let at = 0
  while (at < text.length) {
    const char = text[at]
    if (char === '\\' && /^\r?\n/.test(text.slice(at + 1, at + 3))) at += text[at + 1] === '\r' ? 3 : 2
    else if (char === '#') at = lineEnd(text, at)
    else if (char === '\n' || char === ';' || char === '&' || char === '|') {
      end()
      at++
    } else if (char === ' ' || char === '\t' || char === '\r') at++
    else {
      const word = readWord(source, at)
      words.push(word)
      at = word.place.end
    }
  }
  end()
  return commands
}

const lineEnd = (text: string, from: number): number => {
  const stop = text.indexOf('\n', from)
  return stop < 0 ? text.length : stop
}

function readWord(source: Source, start: number): Word {
  const { text } = source
  let value = ''
  let at = start
  while (at < text.length) {
    const char = text[at] ?? ''
    if (char === "'") {
      const stop = text.indexOf("'", at + 1)
      const close = stop < 0 ? text.length : stop
      value += text.slice(at + 1, close)
      at = close + 1
    } else if (char === '"') {
      at++
      while (at < text.length && text[at] !== '"') {
        if (text[at] === '\\' && /["\\$`\n]/.test(text[at + 1] ?? '')) at++
        value += text[at] ?? ''
        at++
      }
      at++
    } else if (char === '\\') {
      if (text[at + 1] === '\n') break
      value += text[at + 1] ?? ''
      at += 2
    } else if (/[\s;&|]/.test(char)) break
    else {
      value += char
      at++
    }
  }
  return { text: value, place: source.place(start, Math.min(at, text.length)) }
}

/** The values of an option: `--name value`, `--name=value`, and further words up to the next option. */
export function optionValues(command: ShellCommand, name: string): readonly Word[] | undefined {
  const at = command.words.findIndex(({ text }) => text === name || text.startsWith(`${name}=`))
  const word = command.words[at]
  if (word === undefined) return undefined
  if (word.text.startsWith(`${name}=`)) return [{ text: word.text.slice(name.length + 1), place: word.place }]
  const rest = command.words.slice(at + 1)
  const stop = rest.findIndex(({ text }) => text.startsWith('--'))
  return stop < 0 ? rest : rest.slice(0, stop)
}
