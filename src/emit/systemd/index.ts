/** Celeriac as a service of a Linux host (systemd.exec(5), systemd.service(5)). */
import type { EmittedFile } from '../file.ts'
import { header } from '../header.ts'
import { NAME, PORT } from '../names.ts'
import { BROKER_URL, CONFIG_FILE, programConfig } from '../program.ts'
import { emitSettings, type EmitSettings } from '../settings.ts'
import type { Target } from '../target.ts'
import { toYaml } from '../yaml.ts'

const UNIT = `${NAME}.service`
const ENVIRONMENT = `${NAME}.env`
const FOLDER = `/etc/${NAME}`

/** Where `npm install --global` puts it. */
export const PROGRAM = `/usr/local/bin/${NAME}`

/** The service reads its secrets here: systemd copies them where no other service can read them (systemd.exec(5), CREDENTIALS). */
const CREDENTIALS = `/run/credentials/${UNIT}`

const comment = (text: string): string =>
  text
    .split('\n')
    .map(line => `# ${line}`.trimEnd())
    .join('\n')

function unitFile(settings: EmitSettings): string {
  const { secrets } = programConfig(settings, CREDENTIALS)
  const data = settings.dataFolder
  return `${comment(
    header(
      settings,
      [
        'Celeriac as a service. What it needs:',
        `  ${PROGRAM}  the program: npm install --global celeriac`,
        `  ${FOLDER}/${CONFIG_FILE}  its configuration, beside this file`,
        ...secrets.map(({ name, path }) => `  ${FOLDER}/secrets/${name}  nothing but the secret ${path}`),
        `Secrets belong to root, mode 0600: systemd hands them over. ${ENVIRONMENT} is optional.`,
      ].join('\n'),
      `install ${UNIT} as /etc/systemd/system/${UNIT}, then systemctl daemon-reload && systemctl enable --now ${NAME}`,
    ),
  )}

[Unit]
Description=Celeriac, which watches Celery
Documentation=man:systemd.exec(5)
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=300
StartLimitBurst=10

[Service]
Type=exec
ExecStart=${PROGRAM}
Environment=CELERIAC_CONFIG=${FOLDER}/${CONFIG_FILE}
# journald keeps one line a message, with its fields as JSON.
Environment=CELERIAC_LOG_FORMAT=json
${data === undefined ? '' : `Environment=${data}=/var/lib/${NAME}\n`}# Node.js' own, and the place of what TypeScript configurations compile to.
Environment=NODE_ENV=production TMPDIR=/tmp
EnvironmentFile=-${FOLDER}/${ENVIRONMENT}
${secrets.map(({ name }) => `LoadCredential=${name}:${FOLDER}/secrets/${name}\n`).join('')}Restart=always
RestartSec=5
TimeoutStopSec=20

# Nobody's user, made when the service starts; it owns nothing${data === undefined ? '' : ' but the data directory'}.
DynamicUser=yes
${data === undefined ? '' : `StateDirectory=${NAME}\nStateDirectoryMode=0700\n`}UMask=0077

# It listens above 1024 and needs no privilege.
CapabilityBoundingSet=
AmbientCapabilities=
NoNewPrivileges=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictNamespaces=yes
KeyringMode=private

# Nothing of the host can be changed, and little of it be seen.
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectHostname=yes
ProtectClock=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
RemoveIPC=yes
# CPU and memory of workers on this host are read from /proc and cgroups. Where nobody's are wanted:
# ProtectProc=invisible, ProcSubset=pid, PrivateUsers=yes, and host: { enabled: false } in the configuration.
ProtectProc=default

RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
# MemoryDenyWriteExecute is left out: V8 compiles JavaScript to machine code.

# 256 MiB of samples (storeBytes) and the process around them.
MemoryHigh=640M
MemoryMax=768M
TasksMax=128
LimitNOFILE=65536
# Its broker and its workers come first.
OOMScoreAdjust=200

[Install]
WantedBy=multi-user.target
`
}

function environmentFile(settings: EmitSettings): string {
  return `${comment(
    header(
      settings,
      `Variables of ${UNIT}; they win over the configuration file. No secret belongs here: everybody who may ask systemd can read it.\nThe broker's URL is a credential, ${FOLDER}/secrets/${BROKER_URL}.`,
      `install it as ${FOLDER}/${ENVIRONMENT}`,
    ),
  )}

# All addresses, for a Prometheus or people elsewhere. There is no login: keep strangers out with a firewall or a proxy.
#CELERIAC_LISTEN=0.0.0.0:${PORT}
CELERIAC_LISTEN=127.0.0.1:${PORT}
CELERIAC_LOG_LEVEL=info
`
}

export function emitSystemd(given: Partial<EmitSettings> = {}): readonly EmittedFile[] {
  const settings = emitSettings(given)
  return [
    { path: UNIT, content: unitFile(settings) },
    { path: ENVIRONMENT, content: environmentFile(settings) },
    {
      path: CONFIG_FILE,
      content: toYaml(
        header(
          settings,
          'The configuration of Celeriac. Its secrets are credentials of the service.',
          `install it as ${FOLDER}/${CONFIG_FILE}`,
        ),
        programConfig(settings, CREDENTIALS).data,
      ),
    },
  ]
}

export const systemdTarget: Target = {
  name: 'systemd',
  description: 'Celeriac as a service of a Linux host: a hardened unit, its variables and its configuration',
  uses: ['config'],
  files: emitSystemd,
  print: settings => unitFile(settings),
}
