/** Celeriac in a cluster, without Helm: plain objects with a kustomization, and the example service to watch beside them. */
import type { EmittedFile } from '../file.ts'
import { header } from '../header.ts'
import { type KubernetesObject, serviceObject } from '../kubernetes-object.ts'
import { NAME } from '../names.ts'
import { CONTAINER } from '../program.ts'
import { emitSettings, type EmitSettings } from '../settings.ts'
import type { Target } from '../target.ts'
import { toYaml, type YamlNote, yamlStream } from '../yaml.ts'
import {
  claimObject,
  CLIENT_NAMESPACES,
  configMapObject,
  deploymentObject,
  namespaceObject,
  networkPolicyObject,
  secretFiles,
  serviceAccountObject,
} from './celeriac.ts'
import { exampleObjects } from './example.ts'

interface Manifest {
  readonly path: string
  readonly what: string
  readonly object: KubernetesObject
  readonly notes?: readonly YamlNote[]
}

/** How the Secret is made, each key from what people type or from a file of theirs: it never stands in a file of ours. */
export const secretCommand = (settings: EmitSettings): string => {
  const names = secretFiles(settings).map(({ name }) => name)
  return [
    `kubectl -n ${settings.namespace} create secret generic ${NAME} \\`,
    ...names.map((name, i) => `  --from-file=${name}${i < names.length - 1 ? ' \\' : ''}`),
  ].join('\n')
}

const container = (...rest: readonly (string | number)[]): readonly (string | number)[] => [
  'spec',
  'template',
  'spec',
  'containers',
  0,
  ...rest,
]

const manifests = (settings: EmitSettings): readonly Manifest[] => [
  // Somebody else's namespace is theirs to label.
  ...(settings.namespace === NAME
    ? [
        {
          path: 'namespace.yaml',
          what: 'A namespace that refuses pods which are not confined.',
          object: namespaceObject(settings),
        },
      ]
    : []),
  {
    path: 'serviceaccount.yaml',
    what: 'An identity without a token: Celeriac never asks the Kubernetes API.',
    object: serviceAccountObject(settings),
  },
  {
    path: 'configmap.yaml',
    what: 'The configuration of Celeriac, without its secrets.',
    object: configMapObject(settings),
  },
  ...(settings.dataFolder === undefined
    ? []
    : [
        {
          path: 'persistentvolumeclaim.yaml',
          what: 'The data directory: samples, alerts and silences outlive the pod.',
          object: claimObject(settings),
        },
      ]),
  {
    path: 'deployment.yaml',
    what: [
      'Celeriac.',
      `It waits for the Secret ${NAME}, whose keys are files that hold nothing but the secret itself:`,
      ...secretFiles(settings).map(({ name, path }) => `  ${name}  (${path})`),
      secretCommand(settings),
    ].join('\n'),
    object: deploymentObject(settings),
    notes: [
      [
        ['spec', 'replicas'],
        'One watches a fleet: two would count every event twice and tell every alert twice.',
      ],
      [['spec', 'strategy'], 'The old one ends before the new one starts.'],
      [['spec', 'selector'], 'Labels of the pods; others: --selector NAME=VALUE'],
      [
        ['spec', 'template', 'metadata', 'annotations', 'celeriac/config'],
        'Changes with the configuration, so that a new one is taken up.',
      ],
      [
        ['spec', 'template', 'spec', 'enableServiceLinks'],
        'Kubernetes would set CELERIAC_PORT and more of the kind, which Celeriac would warn of.',
      ],
      [
        ['spec', 'template', 'spec', 'volumes', 1, 'secret', 'defaultMode'],
        '0440: fsGroup may read, nobody else.',
      ],
      [container('image'), 'Built from the Dockerfile of Celeriac; put your registry in front of it.'],
      [container('livenessProbe'), 'Says nothing of the broker: its outage restarts nobody.'],
      [container('readinessProbe'), 'The broker answers and numbers are collected.'],
    ],
  },
  {
    path: 'service.yaml',
    what: 'The Service of Celeriac: the UI, the API and the metrics on one port.',
    object: serviceObject(settings),
    notes: [
      [['spec', 'selector'], 'Labels of the pods; others: --selector NAME=VALUE'],
      [
        ['spec', 'publishNotReadyAddresses'],
        'People look while the broker is away, when the pod is not ready: let them.',
      ],
    ],
  },
  {
    path: 'networkpolicy.yaml',
    what: 'Who may connect to Celeriac, and where it may connect to.',
    object: networkPolicyObject(settings),
    notes: [
      [
        ['spec', 'ingress', 0],
        `Pods of this namespace, and of ${CLIENT_NAMESPACES.join(' and ')}; add that of your ingress controller.`,
      ],
      [['spec', 'egress', 0], 'Names.'],
      [
        ['spec', 'egress', 1],
        'The ports of brokers, receivers and scrape targets as the configuration has them, anywhere. Narrow it with `to`.',
      ],
    ],
  },
]

export function emitKubernetes(given: Partial<EmitSettings> = {}): readonly EmittedFile[] {
  const settings = emitSettings(given)
  const files = manifests(settings).map(({ path, what, object, notes }) => ({
    path,
    content: toYaml(header(settings, what, `kubectl apply -f ${path}`), object, notes),
  }))
  return [
    ...files,
    {
      path: 'kustomization.yaml',
      content: toYaml(
        header(
          settings,
          [
            'Everything that Celeriac needs in a cluster.',
            `Secrets are yours to make, below ${CONTAINER.secrets} in the pod:`,
            secretCommand(settings),
            'There is no PodDisruptionBudget: with one replica it could only forbid to drain the node.',
          ].join('\n'),
          'kubectl apply -k .',
        ),
        {
          apiVersion: 'kustomize.config.k8s.io/v1beta1',
          kind: 'Kustomization',
          resources: files.map(({ path }) => path),
        },
      ),
    },
    ...exampleFiles(settings),
  ]
}

function exampleFiles(settings: EmitSettings): readonly EmittedFile[] {
  const objects = exampleObjects(settings).map(object =>
    toYaml(`${object.kind} ${object.metadata.name}`, object),
  )
  return [
    {
      path: 'example/reports.yaml',
      content: `${toComment(
        header(
          settings,
          'The example service to watch: Redis, an API and workers. For trying, not for production: its Redis keeps nothing.\nThe volume is shared by pods of several nodes: it needs a storage class that can do that (ReadWriteMany).',
          'kubectl apply -k example',
        ),
      )}\n${yamlStream(objects)}`,
    },
    {
      path: 'example/kustomization.yaml',
      content: toYaml(header(settings, 'The example service.', 'kubectl apply -k example'), {
        apiVersion: 'kustomize.config.k8s.io/v1beta1',
        kind: 'Kustomization',
        resources: ['reports.yaml'],
      }),
    },
  ]
}

const toComment = (text: string): string =>
  text
    .split('\n')
    .map(line => `# ${line}\n`)
    .join('')

export const kubernetesTarget: Target = {
  name: 'kubernetes',
  description: 'Celeriac in a cluster: plain objects with a kustomization, and the example service',
  uses: ['config', 'namespace', 'label', 'selector'],
  files: emitKubernetes,
  print: settings =>
    yamlStream(
      emitKubernetes(settings)
        .filter(({ path }) => !path.includes('kustomization') && !path.startsWith('example/'))
        .map(({ content }) => content),
    ),
}
