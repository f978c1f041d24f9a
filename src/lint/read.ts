import { readAlertmanager } from './artefacts/alertmanager.ts'
import { alarmOfCommand, readTemplate, readWidgets, topicOfCommand } from './artefacts/cloudwatch.ts'
import { exposedMetrics, isExposition } from './artefacts/exposition.ts'
import { readFilebeat } from './artefacts/filebeat.ts'
import { readDashboard } from './artefacts/grafana.ts'
import { type KubernetesObject, readObjects } from './artefacts/kubernetes.ts'
import { declaredMetrics, publishedMetrics } from './artefacts/python.ts'
import { isRuleFile, readRules } from './artefacts/rules.ts'
import type { LintFile } from './file.ts'
import { ignoresOf } from './ignores.ts'
import type { Findings } from './project.ts'
import { codeBlocks } from './text/markdown.ts'
import { shellCommands } from './text/shell.ts'
import { Source } from './text/source.ts'
import { readTrees, type Tree } from './text/tree.ts'

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer U)[] ? U[] : T[K] }
type Collected = Mutable<Findings>

/** The kinds of text that are read, by a file's ending and by the language of a code block. */
const LANGUAGES: Readonly<Record<string, Language>> = {
  yaml: 'yaml',
  yml: 'yaml',
  rules: 'yaml',
  template: 'yaml',
  json: 'yaml',
  md: 'markdown',
  markdown: 'markdown',
  sh: 'shell',
  bash: 'shell',
  shell: 'shell',
  console: 'shell',
  zsh: 'shell',
  py: 'python',
  python: 'python',
  prom: 'exposition',
}
type Language = 'yaml' | 'markdown' | 'shell' | 'python' | 'exposition'

/** The endings of files that are looked for in a folder. */
export const ENDINGS: readonly string[] = Object.keys(LANGUAGES)

/** Templates of Helm, Jinja and the like are not YAML before they are rendered. */
const TEMPLATED = /^\s*\{\{-?|\{\{-?\s*(?:\.Values|\.Release|include|template|if|range|with|end)\b|^\s*\{%/m

/** Reads files into what the rules look at. */
export function readFiles(files: readonly LintFile[]): Findings {
  const found: Collected = {
    rules: [],
    objects: [],
    alertmanagers: [],
    dashboards: [],
    alarms: [],
    widgets: [],
    published: [],
    topics: [],
    filebeats: [],
    scrapeConfigs: [],
    declared: [],
    commands: [],
    ignores: [],
    unreadable: [],
  }
  for (const { path, text } of files) {
    const source = Source.ofFile(path, text)
    found.ignores.push(...ignoresOf(source))
    const language = languageOf(path, text)
    if (language !== undefined) read(source, language, found, language !== 'markdown')
  }
  return found
}

function languageOf(path: string, text: string): Language | undefined {
  const ending = /\.(\w+)$/.exec(path)?.[1]?.toLowerCase()
  if (ending !== undefined) return LANGUAGES[ending]
  if (isExposition(text)) return 'exposition'
  if (text.startsWith('#!')) return /^#!.*python/.test(text) ? 'python' : 'shell'
  if (/^(?:```|~~~)/m.test(text)) return 'markdown'
  return /^aws\s|\saws (?:cloudwatch|sns)\s/m.test(text) ? 'shell' : 'yaml'
}

/** `strict`: what does not parse is told. Blocks of a page are often fragments. */
function read(source: Source, language: Language, found: Collected, strict: boolean): void {
  switch (language) {
    case 'markdown':
      for (const block of codeBlocks(source)) {
        const inside = LANGUAGES[block.language]
        if (inside !== undefined && inside !== 'markdown') read(block.source, inside, found, false)
      }
      break
    case 'shell':
      for (const command of shellCommands(source)) {
        found.commands.push(command)
        const alarm = alarmOfCommand(command)
        if (alarm !== undefined) found.alarms.push(alarm)
        const topic = topicOfCommand(command)
        if (topic !== undefined) found.topics.push(topic)
      }
      break
    case 'python':
      found.declared.push(...declaredMetrics(source))
      found.published.push(...publishedMetrics(source))
      break
    case 'exposition':
      found.declared.push(...exposedMetrics(source))
      break
    case 'yaml':
      readYaml(source, found, strict)
      break
  }
}

function readYaml(source: Source, found: Collected, strict: boolean): void {
  const trees = readTrees(source)
  if (!trees.ok) {
    if (strict && !TEMPLATED.test(source.text))
      found.unreadable.push({ at: trees.at, message: trees.message })
    return
  }
  for (const { root } of trees.documents) {
    const objects = readObjects(root)
    if (objects.length === 0) recognise(root, found)
    for (const object of objects) readObject(object, found)
  }
}

/** A document that is no Kubernetes object. */
function recognise(root: Tree, found: Collected, configMap?: KubernetesObject, key = ''): void {
  if (isRuleFile(root)) found.rules.push(...readRules(root))
  const holder =
    configMap === undefined
      ? undefined
      : { kind: configMap.kind, name: configMap.name, key, tree: configMap.tree }
  const alertmanager = readAlertmanager(root, holder)
  if (alertmanager !== undefined) found.alertmanagers.push(alertmanager)
  const dashboard = readDashboard(root, configMap)
  if (dashboard !== undefined) found.dashboards.push(dashboard)
  const template = readTemplate(root)
  if (template !== undefined) {
    found.alarms.push(...template.alarms)
    found.topics.push(...template.topics)
  }
  found.widgets.push(...(readWidgets(root) ?? []))
  const filebeat = readFilebeat(root)
  if (filebeat !== undefined) found.filebeats.push(filebeat)
  if (root.get('scrape_configs')?.kind === 'list') found.scrapeConfigs.push(root)
}

function readObject(object: KubernetesObject, found: Collected): void {
  found.objects.push(object)
  const { kind, tree } = object
  if (kind === 'PrometheusRule') found.rules.push(...readRules(tree.get('spec') ?? tree))
  if (kind !== 'ConfigMap' && kind !== 'Secret') return
  const data = tree.get(kind === 'ConfigMap' ? 'data' : 'stringData')?.entries ?? []
  for (const { key, value } of data) {
    if (value.text === undefined || !value.text.includes('\n')) continue
    const language = languageOf(key, value.text)
    if (language === 'yaml') {
      const trees = readTrees(value.source())
      for (const { root } of trees.ok ? trees.documents : []) recognise(root, found, object, key)
    } else if (language !== undefined && language !== 'markdown') read(value.source(), language, found, false)
  }
}
