import { alertmanagerTarget } from './alertmanager/index.ts'
import { cloudwatchTarget } from './cloudwatch/index.ts'
import { composeTarget } from './compose/index.ts'
import { docsTarget } from './docs/index.ts'
import { filebeatTarget } from './filebeat/index.ts'
import { grafanaTarget } from './grafana/index.ts'
import { helmTarget } from './helm/index.ts'
import { kedaTarget } from './keda/index.ts'
import { kubernetesTarget } from './kubernetes/index.ts'
import { operatorTarget } from './operator/index.ts'
import { prometheusTarget } from './prometheus/index.ts'
import { systemdTarget } from './systemd/index.ts'
import type { Target } from './target.ts'

/** Every target, in the order in which the help lists them. */
export const targets: readonly Target[] = [
  prometheusTarget,
  operatorTarget,
  alertmanagerTarget,
  grafanaTarget,
  cloudwatchTarget,
  kubernetesTarget,
  helmTarget,
  composeTarget,
  systemdTarget,
  filebeatTarget,
  kedaTarget,
  docsTarget,
]
