/** How one task of the simulated fleet behaves. Seconds throughout; probabilities in [0, 1]. */
export interface TaskProfile {
  readonly name: string
  readonly queue: string
  /** Share of all tasks sent, relative to the other weights. */
  readonly weight: number
  readonly medianSeconds: number
  /** Spread of the log-normal run time; 0.3 is steady, 0.9 wild. */
  readonly sigma: number
  /** Soft time limit: a longer run fails there with SoftTimeLimitExceeded. */
  readonly softLimitSeconds: number
  readonly failure: { readonly probability: number; readonly exception: string }
  readonly retry?: {
    readonly probability: number
    readonly exception: string
    readonly countdownSeconds: number
    readonly max: number
  }
  /** Some are sent with an ETA this far ahead. */
  readonly eta?: { readonly probability: number; readonly fromSeconds: number; readonly toSeconds: number }
  /** Priorities given, each as likely; 0 when left out. */
  readonly priorities?: readonly number[]
}

export interface WorkerProfile {
  /** Node name `mail-1@sim-node-2`: the host says that it is simulated. */
  readonly node: string
  readonly pool: 'prefork' | 'gevent'
  readonly concurrency: number
  readonly prefetchMultiplier: number
  readonly queues: readonly string[]
}

export interface FleetProfile {
  /** Mean over a day of tasks sent, all queues together; retries come on top. */
  readonly tasksPerSecond: number
  /** How long a day is. The load of a day follows two humps, before and after noon. */
  readonly dayMs: number
  readonly tasks: readonly TaskProfile[]
  readonly workers: readonly WorkerProfile[]
  /** Hosts that send tasks. */
  readonly clients: readonly string[]
  readonly incidents: {
    readonly enabled: boolean
    /** From the start to the first. */
    readonly firstAfterMs: number
    /** From the end of one to the begin of the next. */
    readonly gapMs: number
  }
}

export interface ProfileOptions {
  readonly tasksPerSecond?: number
  readonly dayMs?: number
  readonly incidents?: boolean
  /**
   * In front of every queue name. Give one on a broker that others use too: simulated workers really take messages, and must not
   * take somebody's.
   */
  readonly queuePrefix?: string
}

const ok = { probability: 0, exception: 'RuntimeError' }

const TASKS: readonly TaskProfile[] = [
  // reports: the slow, important work.
  task('reports.tasks.build_pdf', 'reports', 5, 1.8, 0.6, {
    failure: { probability: 0.004, exception: 'RenderError' },
    retry: retry(0.01, 'StorageTimeout', 5),
    priorities: [0, 3, 6],
  }),
  task('reports.tasks.build_csv', 'reports', 5, 1.1, 0.5, {
    failure: { probability: 0.002, exception: 'UnicodeEncodeError' },
  }),
  task('reports.tasks.render_charts', 'reports', 2, 2.2, 0.4, { retry: retry(0.01, 'StorageTimeout', 4) }),
  task('reports.tasks.nightly_rollup', 'reports', 0.3, 9, 0.5, { priorities: [9] }),
  // default: a bit of everything.
  task('accounts.tasks.sync_profile', 'default', 6, 0.35, 0.6, {
    retry: retry(0.02, 'ConnectionError', 3),
  }),
  task('accounts.tasks.expire_sessions', 'default', 3, 0.15, 0.3, {}),
  task('accounts.tasks.export_data', 'default', 1.5, 2.5, 0.7, {
    failure: { probability: 0.01, exception: 'KeyError' },
  }),
  task('core.tasks.cleanup', 'default', 2, 0.6, 0.4, {
    eta: { probability: 0.5, fromSeconds: 5, toSeconds: 45 },
  }),
  task('core.tasks.refresh_counters', 'default', 4, 0.2, 0.4, {}),
  task('core.tasks.ping_partner', 'default', 1.5, 0.8, 0.9, {
    retry: retry(0.06, 'ReadTimeout', 4),
    failure: { probability: 0.01, exception: 'ReadTimeout' },
  }),
  // notifications: many and quick.
  task('notifications.tasks.push', 'notifications', 13, 0.08, 0.5, {
    failure: { probability: 0.003, exception: 'InvalidToken' },
    priorities: [0, 0, 3],
  }),
  task('notifications.tasks.sms', 'notifications', 3, 0.3, 0.5, { retry: retry(0.02, 'GatewayBusy', 3) }),
  task('notifications.tasks.badge', 'notifications', 2, 0.05, 0.3, {}),
  // mail: waits for other people's servers.
  task('mail.tasks.send_receipt', 'mail', 8, 0.4, 0.6, { retry: retry(0.02, 'SMTPServerDisconnected', 5) }),
  task('mail.tasks.send_invite', 'mail', 4, 0.4, 0.6, {
    failure: { probability: 0.004, exception: 'SMTPRecipientsRefused' },
  }),
  task('mail.tasks.send_digest', 'mail', 4, 0.7, 0.5, {
    eta: { probability: 0.6, fromSeconds: 10, toSeconds: 60 },
  }),
  task('mail.tasks.handle_bounce', 'mail', 2, 0.2, 0.4, {}),
  // media: heavy, and close to what its workers can do.
  task('media.tasks.thumbnail', 'media', 3.5, 0.9, 0.5, { priorities: [0, 3] }),
  task('media.tasks.transcode', 'media', 0.6, 9, 0.5, {
    failure: { probability: 0.02, exception: 'CodecError' },
    priorities: [6],
  }),
  task('media.tasks.extract_text', 'media', 0.9, 1.6, 0.6, {}),
  // webhooks: other people's servers again, and less reliable ones.
  task('webhooks.tasks.deliver', 'webhooks', 11, 0.5, 0.8, {
    retry: retry(0.04, 'ReadTimeout', 8),
    failure: { probability: 0.006, exception: 'HTTPError' },
  }),
  task('webhooks.tasks.deliver_batch', 'webhooks', 2, 1.2, 0.6, { retry: retry(0.03, 'ReadTimeout', 8) }),
  task('search.tasks.index_document', 'search', 8, 0.22, 0.5, {}),
  task('search.tasks.refresh_suggestions', 'search', 1, 1.4, 0.4, {}),
  task('billing.tasks.charge', 'billing', 2.5, 0.7, 0.5, {
    retry: retry(0.02, 'CardNetworkTimeout', 6),
    failure: { probability: 0.008, exception: 'CardDeclined' },
    priorities: [0],
  }),
  task('billing.tasks.create_invoice', 'billing', 1.5, 0.5, 0.4, {}),
  task('imports.tasks.parse_file', 'imports', 0.8, 3, 0.7, {
    failure: { probability: 0.02, exception: 'UnicodeDecodeError' },
  }),
  task('imports.tasks.import_rows', 'imports', 1.2, 1.8, 0.6, { retry: retry(0.02, 'DeadlockDetected', 3) }),
]

const WORKERS: readonly WorkerProfile[] = [
  worker('reports-1@sim-node-1', 8, ['reports']),
  worker('reports-2@sim-node-2', 8, ['reports']),
  worker('reports-3@sim-node-3', 2, ['reports']),
  worker('default-1@sim-node-1', 4, ['default', 'notifications']),
  worker('default-2@sim-node-2', 4, ['default', 'notifications']),
  worker('default-3@sim-node-3', 4, ['default', 'notifications']),
  worker('mail-1@sim-node-2', 10, ['mail'], 'gevent'),
  worker('mail-2@sim-node-4', 10, ['mail'], 'gevent'),
  worker('media-1@sim-node-4', 2, ['media']),
  worker('media-2@sim-node-5', 2, ['media']),
  worker('media-3@sim-node-6', 2, ['media']),
  worker('webhooks-1@sim-node-5', 4, ['webhooks']),
  worker('webhooks-2@sim-node-6', 4, ['webhooks']),
  worker('search-1@sim-node-3', 4, ['search']),
  worker('billing-1@sim-node-1', 4, ['billing']),
  worker('imports-1@sim-node-5', 4, ['imports']),
]

/**
 * The demo's fleet: 9 queues, 16 workers on 6 hosts, 28 tasks, about 30 tasks a second, and one small incident every few minutes.
 * Throughput grows by giving workers more slots, so that any `tasksPerSecond` leaves the fleet as busy as before.
 */
export function demoProfile(options: ProfileOptions = {}): FleetProfile {
  const tasksPerSecond = options.tasksPerSecond ?? BASE_TASKS_PER_SECOND
  const scale = Math.max(1, tasksPerSecond / BASE_TASKS_PER_SECOND)
  const prefix = options.queuePrefix ?? ''
  return {
    tasksPerSecond,
    dayMs: options.dayMs ?? 24 * 3_600_000,
    tasks: TASKS.map(each => ({ ...each, queue: prefix + each.queue })),
    workers: WORKERS.map(each => ({
      ...each,
      concurrency: Math.round(each.concurrency * scale),
      queues: each.queues.map(queue => prefix + queue),
    })),
    clients: ['sim-web-1', 'sim-web-2', 'sim-beat-1'],
    incidents: { enabled: options.incidents ?? true, firstAfterMs: 45_000, gapMs: 210_000 },
  }
}

const BASE_TASKS_PER_SECOND = 30

/** Names of all queues that tasks are sent to or workers consume. */
export const queuesOf = (profile: FleetProfile): readonly string[] => [
  ...new Set([...profile.tasks.map(each => each.queue), ...profile.workers.flatMap(each => each.queues)]),
]

function task(
  name: string,
  queue: string,
  weight: number,
  medianSeconds: number,
  sigma: number,
  more: Partial<Pick<TaskProfile, 'failure' | 'retry' | 'eta' | 'priorities'>>,
): TaskProfile {
  return { name, queue, weight, medianSeconds, sigma, softLimitSeconds: 300, failure: ok, ...more }
}

function retry(
  probability: number,
  exception: string,
  countdownSeconds: number,
): NonNullable<TaskProfile['retry']> {
  return { probability, exception, countdownSeconds, max: 3 }
}

function worker(
  node: string,
  concurrency: number,
  queues: readonly string[],
  pool: WorkerProfile['pool'] = 'prefork',
): WorkerProfile {
  return { node, pool, concurrency, prefetchMultiplier: 1, queues }
}
