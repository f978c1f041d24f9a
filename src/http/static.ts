import { randomBytes } from 'node:crypto'
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { extname, join, relative, sep } from 'node:path'
import { gzipSync } from 'node:zlib'
import { CeleriacError } from '../base/index.ts'

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
  '.txt': 'text/plain; charset=utf-8',
  '.map': 'application/json',
}

/** One file of the built UI, held in memory (the whole UI is well under a megabyte). */
export interface StaticFile {
  readonly body: Uint8Array<ArrayBuffer>
  readonly gzipped: Uint8Array<ArrayBuffer> | undefined
  readonly contentType: string
  /** True for names that carry a content hash and so never change. */
  readonly immutable: boolean
}

const bytes = (buffer: Buffer): Uint8Array<ArrayBuffer> => Uint8Array.from(buffer)

/** Reads the built UI once. Throws INTERNAL when the folder is missing: a package without its UI is broken. */
export function loadStaticFiles(folder: string): ReadonlyMap<string, StaticFile> {
  const files = new Map<string, StaticFile>()
  const visit = (path: string): void => {
    for (const name of readdirSync(path)) {
      const file = join(path, name)
      if (statSync(file).isDirectory()) {
        visit(file)
        continue
      }
      const buffer = readFileSync(file)
      const compressible = /\.(html|js|css|svg|json|txt|map)$/.test(name)
      files.set(relative(folder, file).split(sep).join('/'), {
        body: bytes(buffer),
        gzipped: compressible && buffer.length > 1024 ? bytes(gzipSync(buffer, { level: 9 })) : undefined,
        contentType: CONTENT_TYPES[extname(name)] ?? 'application/octet-stream',
        immutable: /-[A-Za-z0-9_-]{8}\.[a-z0-9]+$/.test(name),
      })
    }
  }
  try {
    visit(folder)
  } catch (error) {
    throw new CeleriacError('INTERNAL', 'The built UI was not found beside the program.', {
      hint: 'Run `npm run build`.',
      cause: error,
    })
  }
  if (!files.has('index.html'))
    throw new CeleriacError('INTERNAL', 'The built UI has no index.html.', {
      hint: 'Run `npm run build`.',
    })
  return files
}

const escapeAttribute = (text: string): string =>
  text.replace(/[&"<>]/g, character => `&#${character.charCodeAt(0)};`)

/** What every HTML page of ours says to the browser: nothing but our own files and what carries this nonce (ui.md B11). */
export const pageHeaders = (nonce: string): Record<string, string> => ({
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-cache',
  'content-security-policy': `default-src 'self'; style-src 'self' 'nonce-${nonce}'; script-src 'self' 'nonce-${nonce}'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'self'; form-action 'self'`,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
})

/** A fresh nonce for one answer. */
export const freshNonce = (): string => randomBytes(16).toString('base64')

/** The page with the base path it is served under and a fresh nonce, and the headers that go with it (ui.md B10, B11). */
export function renderPage(
  html: string,
  basePath: string,
): { readonly body: string; readonly headers: Record<string, string> } {
  const nonce = freshNonce()
  const body = html
    .replace(/<base\b[^>]*>/i, '')
    .replace(/<head>/i, `<head><base href="${escapeAttribute(basePath)}">`)
    .replace(/<(script|style)\b(?![^>]*\bnonce=)/gi, `<$1 nonce="${nonce}"`)
  return { body, headers: pageHeaders(nonce) }
}
