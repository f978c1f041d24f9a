/**
 * The example service (examples/reports) as workloads. A workload has one name: of its Deployment, its container, its Compose
 * service, its label and so of its logs; the guide has four for one thing (guide-flaw 84).
 */
import { NAME_LABEL } from './names.ts'

export const EXAMPLE = 'reports'

export const EXAMPLE_API = `${EXAMPLE}-api`
export const EXAMPLE_WORKER = `${EXAMPLE}-worker`

/** The queue that its workers are scaled by. */
export const EXAMPLE_QUEUE = 'reports'

/** The broker of the example, and what it is called in the stack. */
export const EXAMPLE_REDIS = 'redis'

/** Its hard time limit for a task: stopping a worker must wait for it (`TASK_SECONDS` of its settings). */
export const EXAMPLE_TASK_SECONDS = 300

export const EXAMPLE_API_PORT = 8000

/** Where finished reports lie: the API hands out what the workers wrote. */
export const EXAMPLE_FILES = '/var/lib/reports'

/** Labels by which a workload's pods are found. */
export const workloadLabels = (name: string): Readonly<Record<string, string>> => ({ [NAME_LABEL]: name })

/** The arguments of its worker: of the node name, `%h` is the host, which in a pod is the pod's name. */
export const WORKER_COMMAND: readonly string[] = [
  'celery',
  '-A',
  'app.celery_app',
  'worker',
  '-n',
  `${EXAMPLE_WORKER}@%h`,
  '-c',
  '2',
]

export const API_COMMAND: readonly string[] = [
  'uvicorn',
  'app.main:app',
  '--host',
  '0.0.0.0',
  '--port',
  String(EXAMPLE_API_PORT),
]
