import { readdirSync, readFileSync, statSync } from 'node:fs'
import { isAbsolute, join, relative, resolve, sep } from 'node:path'
import { CeleriacError, errorText } from '../base/index.ts'
import type { LintFile } from '../lint/index.ts'

/** Larger files are no configuration that a person wrote. */
const MAX_FILE_BYTES = 16 * 1024 * 1024
const MAX_FILES = 20_000
const SKIPPED_FOLDERS: ReadonlySet<string> = new Set(['node_modules', '.git', 'dist', '.cache', '.venv'])

/**
 * Reads what was named: files, folders with all files of the given endings below them, and patterns with `*`, `**` and `?`.
 * Paths are shown as they were named. Throws FILE_UNREADABLE.
 */
export function readLintFiles(
  named: readonly string[],
  folder: string,
  endings: readonly string[],
): readonly LintFile[] {
  const paths = new Set(named.flatMap(name => expand(name, folder, endings)))
  if (paths.size > MAX_FILES)
    throw new CeleriacError(
      'USAGE',
      `${paths.size} files are more than the ${MAX_FILES} that can be held against each other.`,
      {
        hint: 'Name a smaller folder.',
      },
    )
  return [...paths].map(path => ({ path, text: read(resolve(folder, path), path) }))
}

function expand(name: string, folder: string, endings: readonly string[]): readonly string[] {
  if (/[*?]/.test(name)) {
    const fixed = name.slice(0, name.search(/[*?]/)).replace(/[^/\\]*$/, '')
    const pattern = globPattern(name.replaceAll('\\', '/'))
    const found = below(resolve(folder, fixed), name, folder).filter(path => pattern.test(path))
    if (found.length === 0) throw unreadable(name, 'no file has such a name')
    return found
  }
  let isFolder: boolean
  try {
    isFolder = statSync(resolve(folder, name)).isDirectory()
  } catch (error) {
    throw unreadable(name, errorText(error), error)
  }
  if (!isFolder) return [name]
  return below(resolve(folder, name), name, folder).filter(path =>
    endings.some(ending => path.endsWith(`.${ending}`)),
  )
}

/** All files below a folder, sorted, shown as they were named; links to folders are not followed. */
function below(start: string, name: string, folder: string): readonly string[] {
  const found: string[] = []
  const visit = (path: string): void => {
    for (const entry of readdirSync(path, { withFileTypes: true }).sort((a, b) =>
      a.name < b.name ? -1 : 1,
    )) {
      const inner = join(path, entry.name)
      if (entry.isDirectory()) {
        if (!SKIPPED_FOLDERS.has(entry.name)) visit(inner)
      } else if (entry.isFile())
        found.push((isAbsolute(name) ? inner : relative(folder, inner)).replaceAll(sep, '/'))
    }
  }
  try {
    visit(start)
  } catch (error) {
    throw unreadable(name, errorText(error), error)
  }
  return found
}

/** `*` stays within a folder, `**` does not. */
function globPattern(glob: string): RegExp {
  const parts = glob
    .replace(/^\.\//, '')
    .split(/(\*\*\/?|\*|\?)/)
    .map(part => {
      if (part === '**/') return '(?:.*/)?'
      if (part === '**') return '.*'
      if (part === '*') return '[^/]*'
      return part === '?' ? '[^/]' : part.replaceAll(/[\\^$.|+()[\]{}]/g, String.raw`\$&`)
    })
  return new RegExp(`^${parts.join('')}$`)
}

function read(path: string, shown: string): string {
  try {
    const { size } = statSync(path)
    if (size > MAX_FILE_BYTES) throw new Error(`it has ${size} bytes, more than ${MAX_FILE_BYTES}`)
    return readFileSync(path, 'utf8').replace(/^\uFEFF/, '')
  } catch (error) {
    throw unreadable(shown, errorText(error), error)
  }
}

const unreadable = (name: string, why: string, cause?: unknown): CeleriacError =>
  new CeleriacError('FILE_UNREADABLE', `Cannot read ${name}: ${why}.`, cause === undefined ? {} : { cause })
