#!/usr/bin/env node
/**
 * Installs what the tests need and this machine lacks: Redis, RabbitMQ, Prometheus, Alertmanager and Chromium through apt,
 * Celery twice, because fleets run old and new ones: Debian's for the system's Python, and the newest, with the example service's
 * packages, from PyPI into .cache/venv (or Debian's again where PyPI is not reached).
 * What judges emitted files (docker-compose, systemd-analyze, Helm, kubectl, schemas) comes along.
 * Services are never left running on their default ports: while apt works, a policy forbids it to start any.
 *
 * Usage: node scripts/servers.mjs   (called by `npm test`; prints nothing when nothing is missing)
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installJudges } from './judges.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const venv = join(root, '.cache', 'venv')
const requirements = join(root, 'test', 'fleet', 'requirements.txt')
/** What decides whether .cache/venv is still what is wanted. */
const wanted = [requirements, join(root, 'examples', 'reports', 'requirements.txt')]
  .map(file => readFileSync(file, 'utf8'))
  .join('')
const POLICY = '/usr/sbin/policy-rc.d'

/** Program that proves a package is installed -> Debian package. */
const PROGRAMS = {
  'redis-server': 'redis-server',
  'rabbitmq-server': 'rabbitmq-server',
  prometheus: 'prometheus',
  promtool: 'prometheus',
  'prometheus-alertmanager': 'prometheus-alertmanager',
  amtool: 'prometheus-alertmanager',
  chromium: 'chromium',
  python3: 'python3',
  'docker-compose': 'docker-compose',
  'systemd-analyze': 'systemd',
}

/** Debian's Celery, and what its pools and transports need. */
const DEBIAN_CELERY = ['python3-celery', 'python3-redis', 'python3-gevent']
const DEBIAN_SERVICE = ['python3-fastapi', 'python3-uvicorn', 'python3-structlog', 'python3-venv']
const SYSTEM_PYTHON = '/usr/bin/python3'

const has = program =>
  spawnSync('sh', ['-c', `command -v ${program} || test -x /usr/sbin/${program}`], { stdio: 'ignore' })
    .status === 0

const say = text => process.stdout.write(`servers: ${text}\n`)

function aptInstall(packages) {
  if (!has('apt-get')) {
    throw new Error(
      `Missing: ${packages.join(', ')}. This machine has no apt-get; install them with its package manager, then run npm test again.`,
    )
  }
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n']
  const run = (...args) =>
    execFileSync([...sudo, ...args][0], [...sudo, ...args].slice(1), {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
  const ownPolicy = process.getuid?.() === 0 && !existsSync(POLICY)
  if (ownPolicy) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    say(`installing ${packages.join(' ')}`)
    run('apt-get', 'update', '-qq')
    run(
      'env',
      'DEBIAN_FRONTEND=noninteractive',
      'RUNLEVEL=1',
      'apt-get',
      'install',
      '-y',
      '-qq',
      '--no-install-recommends',
      ...packages,
    )
  } finally {
    if (ownPolicy) rmSync(POLICY, { force: true })
  }
}

function installServers() {
  const missing = [
    ...new Set(
      Object.entries(PROGRAMS)
        .filter(([program]) => !has(program))
        .map(([, name]) => name),
    ),
  ]
  if (!imports(SYSTEM_PYTHON, ['celery', 'redis', 'gevent'])) missing.push(...DEBIAN_CELERY)
  if (missing.length > 0) aptInstall(missing)
}

/** True when `python` can import the modules. */
function imports(python, modules) {
  return spawnSync(python, ['-c', `import ${modules.join(', ')}`], { stdio: 'ignore' }).status === 0
}

/** What the test fleet, the example service and the load producer import. */
const MODULES = ['celery', 'redis', 'gevent', 'fastapi', 'uvicorn', 'structlog']

function pip(python, args) {
  return (
    spawnSync(python, ['-m', 'pip', '--quiet', '--disable-pip-version-check', ...args], {
      stdio: ['ignore', 'ignore', 'inherit'],
    }).status === 0
  )
}

function installPython() {
  const python = join(venv, 'bin', 'python')
  const stamp = join(venv, 'requirements.txt')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted && imports(python, MODULES)) return
  mkdirSync(dirname(venv), { recursive: true })
  rmSync(venv, { recursive: true, force: true })
  say('making .cache/venv with Celery from PyPI')
  const made =
    spawnSync('python3', ['-m', 'venv', venv], { stdio: ['ignore', 'ignore', 'inherit'] }).status === 0
  if (
    made &&
    pip(python, ['install', '--retries', '1', '--timeout', '20', '-r', requirements]) &&
    imports(python, MODULES)
  ) {
    writeFileSync(stamp, wanted)
    return
  }
  say("PyPI is not reached; using Debian's python3-celery")
  aptInstall([...DEBIAN_CELERY, ...DEBIAN_SERVICE])
  rmSync(venv, { recursive: true, force: true })
  execFileSync(SYSTEM_PYTHON, ['-m', 'venv', '--system-site-packages', venv], { stdio: 'inherit' })
  if (!imports(python, MODULES))
    throw new Error(`Neither PyPI nor Debian's packages gave a Python with ${MODULES.join(', ')}.`)
  writeFileSync(stamp, wanted)
}

try {
  installServers()
  installPython()
  installJudges(root, say)
} catch (error) {
  process.stderr.write(`servers: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}
