import { readFileSync, writeFileSync } from 'node:fs'
import { extname } from 'node:path'
import { isMap, parseDocument, stringify } from 'yaml'
import { CeleriacError, errorText } from '../base/index.ts'

/** A value and where it belongs. */
export interface Setting {
  readonly path: readonly string[]
  readonly value: number
}

/** Settings as YAML, to be copied. */
export function settingsText(settings: readonly Setting[]): string {
  const document = parseDocument('{}')
  document.contents = null
  for (const { path, value } of settings) document.setIn(path, value)
  return stringify(document.toJS())
}

/**
 * Writes settings into a YAML or JSON configuration file, whose comments and order stay. A limit that is an object gets the value
 * as its `threshold`. A file that is not there is made. Throws CONFIG_INVALID for other kinds of files and for one that cannot be
 * read as YAML, FILE_UNWRITABLE; then nothing is written.
 */
export function writeSettings(path: string, settings: readonly Setting[]): void {
  const extension = extname(path)
  if (!['.yaml', '.yml', '.json'].includes(extension))
    throw new CeleriacError('CONFIG_INVALID', `${path}: only .yaml, .yml and .json can be written into.`, {
      hint: 'Copy the settings that are printed into a .ts or .js file by hand.',
    })
  const document = parseDocument(readOrEmpty(path), { prettyErrors: false })
  const [broken] = document.errors
  if (broken !== undefined) throw new CeleriacError('CONFIG_INVALID', `${path}: ${broken.message}`)
  for (const { path: keys, value } of settings) {
    // `alerts:` with nothing beneath it is null, and nothing can be set in that.
    for (let depth = 1; depth < keys.length; depth++) {
      const parent = keys.slice(0, depth)
      if (document.hasIn(parent) && !isMap(document.getIn(parent, true)))
        document.setIn(parent, document.createNode({}))
    }
    document.setIn(isMap(document.getIn(keys, true)) ? [...keys, 'threshold'] : keys, value)
  }
  const text =
    extension === '.json'
      ? `${JSON.stringify(document.toJS(), null, 2)}\n`
      : document.toString({ lineWidth: 0 })
  try {
    writeFileSync(path, text)
  } catch (error) {
    throw new CeleriacError('FILE_UNWRITABLE', `Cannot write ${path}: ${errorText(error)}.`, { cause: error })
  }
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ''
    throw new CeleriacError('FILE_UNREADABLE', `Cannot read ${path}: ${errorText(error)}.`, { cause: error })
  }
}
