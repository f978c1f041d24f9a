#!/usr/bin/env node
/**
 * Holds the code against house.json: rooms import only the doors they name, doors stand above, pure rooms touch no clock, timer,
 * randomness, process, node: module or socket, and no two files import each other in a circle. Also draws the picture of the
 * house into docs/architecture.md.
 *
 * Usage: node scripts/house.mjs          checks; exit 1 with one line a fault
 *        node scripts/house.mjs --draw   writes the picture
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, normalize, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const house = JSON.parse(readFileSync(join(root, 'house.json'), 'utf8'))
const rooms = new Map(house.rooms.map((room, order) => [room.name, { ...room, order }]))
const names = house.rooms.map(room => room.name)

/** Packages without clock or socket of their own, fit for pure rooms. */
const PURE_PACKAGES = new Set(['zod', 'yaml', 're2js'])
const IMPURE_GLOBALS = new Set([
  'process',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'performance',
  'console',
  'fetch',
  'crypto',
  'Buffer',
  'globalThis',
  'require',
  'WebSocket',
])
const IMPURE_MEMBERS = new Set(['Date.now', 'Math.random'])

function* sourceFiles(folder, wanted) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) {
      if (entry.name !== 'node_modules' && entry.name !== 'dist') yield* sourceFiles(path, wanted)
    } else if (wanted.test(entry.name)) yield path
  }
}

/** Tests and the suites they share may reach anywhere; they are not part of the program. */
const isTest = path => /\.(test|suite|case)\.tsx?$|-suite\.ts$/.test(path)

const roomOf = path => {
  const [top, room] = relative(root, path).split(sep)
  return top === 'src' ? rooms.get(room) : undefined
}

function importsOf(path, source) {
  const imports = []
  source.forEachChild(function visit(node) {
    const isFrom = (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier
    const isCall =
      ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword && node.arguments[0]
    const specifier = isFrom ? node.moduleSpecifier : isCall ? node.arguments[0] : undefined
    if (specifier && ts.isStringLiteral(specifier)) {
      imports.push({
        text: specifier.text,
        line: source.getLineAndCharacterOfPosition(node.getStart()).line + 1,
      })
    }
    node.forEachChild(visit)
  })
  return imports.map(found => ({
    ...found,
    target: found.text.startsWith('.') ? normalize(join(dirname(path), found.text)) : undefined,
  }))
}

function purityFaults(path, source) {
  const faults = []
  const at = (node, what) =>
    faults.push(
      `${relative(root, path)}:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1}: pure room uses ${what}`,
    )
  source.forEachChild(function visit(node) {
    if (ts.isTypeNode(node)) return
    if (ts.isPropertyAccessExpression(node) && IMPURE_MEMBERS.has(node.getText())) at(node, node.getText())
    if (ts.isNewExpression(node) && node.expression.getText() === 'Date' && !node.arguments?.length)
      at(node, 'new Date()')
    if (ts.isIdentifier(node) && IMPURE_GLOBALS.has(node.text)) {
      const parent = node.parent
      const isName =
        (ts.isPropertyAccessExpression(parent) && parent.name === node) ||
        (ts.isPropertyAssignment(parent) && parent.name === node) ||
        ts.isPropertySignature(parent) ||
        ts.isMethodSignature(parent) ||
        ts.isMethodDeclaration(parent) ||
        ts.isParameter(parent) ||
        ts.isPropertyDeclaration(parent) ||
        ts.isBindingElement(parent) ||
        ts.isImportSpecifier(parent)
      if (!isName) at(node, node.text)
    }
    node.forEachChild(visit)
  })
  return faults
}

function check() {
  const faults = []
  for (const room of house.rooms) {
    if (room.imports === '*') continue
    for (const name of room.imports) {
      if (!rooms.has(name)) faults.push(`house.json: room ${room.name} imports ${name}, which is no room`)
      else if (rooms.get(name).order >= rooms.get(room.name).order && rooms.get(name).imports !== '*') {
        faults.push(`house.json: room ${room.name} imports ${name}, which does not stand above it`)
      }
    }
  }
  for (const entry of readdirSync(join(root, 'src'), { withFileTypes: true })) {
    if (entry.isDirectory() && !rooms.has(entry.name))
      faults.push(`src/${entry.name}: not a room of house.json`)
  }
  const graph = new Map()
  const files = [
    ...sourceFiles(join(root, 'src'), /\.tsx?$/),
    ...(existsSync(join(root, 'web')) ? sourceFiles(join(root, 'web'), /\.tsx?$/) : []),
  ]
  for (const path of files) {
    if (isTest(path)) continue
    const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true)
    const room = roomOf(path)
    const inWeb = relative(root, path).startsWith(`web${sep}`)
    const found = importsOf(path, source)
    graph.set(
      path,
      found.flatMap(({ target }) => (target ? [target] : [])),
    )
    for (const { text, target, line } of found) {
      const where = `${relative(root, path)}:${line}`
      if (target === undefined) {
        if (room?.pure && !PURE_PACKAGES.has(text.split('/')[0]))
          faults.push(`${where}: pure room ${room.name} imports package ${text}`)
        continue
      }
      const other = roomOf(target)
      const allowed = inWeb ? house.web.imports : room?.imports
      if (!other || other === room || (!room && !inWeb)) continue
      if (allowed !== '*' && !allowed.includes(other.name))
        faults.push(`${where}: ${room?.name ?? 'web'} may not import ${other.name}`)
      if (relative(join(root, 'src', other.name), target) !== 'index.ts')
        faults.push(`${where}: imports ${relative(root, target)}; use the door src/${other.name}/index.ts`)
    }
    if (room?.pure) faults.push(...purityFaults(path, source))
  }
  faults.push(...cycles(graph))
  return faults
}

/** Strongly connected components of more than one file (Tarjan). */
function cycles(graph) {
  const index = new Map()
  const low = new Map()
  const stack = []
  const onStack = new Set()
  const faults = []
  const visit = path => {
    index.set(path, index.size)
    low.set(path, index.get(path))
    stack.push(path)
    onStack.add(path)
    for (const next of graph.get(path) ?? []) {
      if (!graph.has(next)) continue
      if (!index.has(next)) {
        visit(next)
        low.set(path, Math.min(low.get(path), low.get(next)))
      } else if (onStack.has(next)) low.set(path, Math.min(low.get(path), index.get(next)))
    }
    if (low.get(path) !== index.get(path)) return
    const component = []
    let popped
    do {
      popped = stack.pop()
      onStack.delete(popped)
      component.push(relative(root, popped))
    } while (popped !== path)
    if (component.length > 1) faults.push(`import cycle: ${component.sort().join(' <-> ')}`)
  }
  for (const path of graph.keys()) if (!index.has(path)) visit(path)
  return faults
}

const BEGIN = '<!-- house: drawn by `npm run draw` from house.json -->'
const END = '<!-- /house -->'

function picture() {
  const lines = ['```mermaid', 'flowchart TD']
  for (const room of house.rooms)
    lines.push(`  ${room.name}${room.pure ? `(["${room.name}"])` : `["${room.name}"]`}`)
  for (const room of house.rooms) {
    if (room.imports === '*') continue
    for (const other of room.imports) if (other !== 'base') lines.push(`  ${other} --> ${room.name}`)
  }
  lines.push(
    '```',
    '',
    'An arrow is the way data flows; imports point the other way. Rounded rooms are pure. Every room may import `base`; `app` knows all.',
    '',
  )
  lines.push('| room | pure | may import | holds |', '| --- | --- | --- | --- |')
  for (const room of house.rooms) {
    lines.push(
      `| \`${room.name}\` | ${room.pure ? 'yes' : ''} | ${room.imports === '*' ? 'all' : room.imports.map(name => `\`${name}\``).join(' ')} | ${room.holds} |`,
    )
  }
  lines.push(
    `| \`web\` | | ${house.web.imports.map(name => `\`${name}\``).join(' ')} | the UI, built by Vite |`,
  )
  return [BEGIN, '', ...lines, '', END].join('\n')
}

function drawn(page) {
  const start = page.indexOf(BEGIN)
  const end = page.indexOf(END)
  if (start < 0 || end < 0) throw new Error(`docs/architecture.md lacks the marks "${BEGIN}" and "${END}"`)
  return page.slice(0, start) + picture() + page.slice(end + END.length)
}

const page = join(root, 'docs', 'architecture.md')
if (process.argv.includes('--draw')) {
  writeFileSync(page, drawn(readFileSync(page, 'utf8')))
} else {
  const faults = check()
  const text = readFileSync(page, 'utf8')
  if (drawn(text) !== text) faults.push('docs/architecture.md differs from house.json; run: npm run draw')
  for (const fault of faults) process.stderr.write(`house: ${fault}\n`)
  if (faults.length > 0) process.exit(1)
  process.stdout.write(`house: ${names.length} rooms, no forbidden import, no cycle\n`)
}
