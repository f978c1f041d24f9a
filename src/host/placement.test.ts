import { expect, test } from 'vitest'
import { pathsUpwards, placementOf } from './placement.ts'

const ID = '4f0c7b5e9d3a4f0c7b5e9d3a4f0c7b5e9d3a4f0c7b5e9d3a4f0c7b5e9d3a4f0c'

test.each([
  ['Docker, systemd driver', `/system.slice/docker-${ID}.scope`, 'container', 0, ID],
  ['Docker, cgroupfs driver', `/docker/${ID}`, 'container', 0, ID],
  ['Docker, systemd inside', `/system.slice/docker-${ID}.scope/init.scope`, 'container', 1, ID],
  ['Docker, beneath a parent', `/celery.slice/docker-${ID}.scope`, 'container', 0, ID],
  ['ECS on EC2', `/ecstasks.slice/ecstasks-0a1b.slice/docker-${ID}.scope`, 'container', 0, ID],
  ['Podman as root', `/machine.slice/libpod-${ID}.scope/container`, 'container', 1, ID],
  [
    'Podman, rootless',
    `/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${ID}.scope/container`,
    'container',
    1,
    ID,
  ],
  ['nerdctl', `/system.slice/nerdctl-${ID}.scope`, 'container', 0, ID],
  [
    'Kubernetes, containerd, systemd driver',
    `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod8a1c.slice/cri-containerd-${ID}.scope`,
    'pod',
    0,
    ID,
  ],
  ['Kubernetes, guaranteed', `/kubepods.slice/kubepods-pod8a1c.slice/crio-${ID}.scope`, 'pod', 0, ID],
  ['Kubernetes, cgroupfs driver', `/kubepods/burstable/pod8a1c-11/${ID}`, 'pod', 0, ID],
  [
    'kind',
    `/docker/${ID}/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod8a1c.slice/cri-containerd-${ID}.scope`,
    'pod',
    0,
    ID,
  ],
  [
    'containerd with a colon',
    `/system.slice/containerd.service/kubepods-besteffort-pod8a1c.slice:cri-containerd:${ID}`,
    'pod',
    0,
    ID,
  ],
  ['LXC', '/lxc.payload.web1/system.slice', 'container', 1, 'web1'],
  ['systemd-nspawn', '/machine.slice/machine-web\\x2d1.scope/payload', 'container', 1, 'web-1'],
  ['a unit', '/system.slice/celery.service', 'unit', 0, 'celery.service'],
  ['a template', '/system.slice/system-celery.slice/celery@w1.service', 'unit', 0, 'celery@w1.service'],
  ['a unit with sub-cgroups', '/system.slice/celery.service/main', 'unit', 1, 'celery.service'],
  [
    'a unit of a user',
    '/user.slice/user-1000.slice/user@1000.service/app.slice/celery.service',
    'unit',
    0,
    'celery.service',
  ],
  ['a unit in LXC', '/lxc.payload.web1/system.slice/celery.service', 'unit', 0, 'celery.service'],
] as const)('%s', (_layout, path, kind, above, name) => {
  const whole = path
    .split('/')
    .slice(0, path.split('/').length - above)
    .join('/')
  expect(placementOf(path)).toEqual({ kind, path: whole, name })
})

test.each([
  '/',
  '/user.slice/user-1000.slice/session-3.scope',
  '/user.slice/user-1000.slice/user@1000.service/init.scope',
  '/user.slice/user-1000.slice/user@1000.service/app.slice/app-org.gnome.Terminal.slice/vte-spawn-1.scope',
  '/system.slice/run-r0f.scope',
  `/machine.slice/libpod-conmon-${ID}.scope`,
  '/custom',
])('%s is a session: its processes count, not the cgroup', path => {
  expect(placementOf(path)).toEqual({ kind: 'session', path, name: '' })
})

test('a cgroup above our own namespace cannot be read', () => {
  expect(placementOf(`/../docker-${ID}.scope`).kind).toBe('outside')
  expect(placementOf('/..').kind).toBe('outside')
})

test('limits are looked for from a cgroup up to the root', () => {
  expect(pathsUpwards('/a/b/c')).toEqual(['/a/b/c', '/a/b', '/a', ''])
  expect(pathsUpwards('/')).toEqual([''])
})
