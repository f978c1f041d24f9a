import { counted, type Found, listed, type Rule, type Scene, share } from './facts.ts'

/** A worker is asked once a round; two rounds without an answer, while it beats, mean that it does not hear. */
const MISSES = 2
const ANSWER_TIME_MS = 1_000

const COST =
  'Pool sizes, consumed queues, reserved and scheduled tasks are not known: neither saturation nor a queue without consumers can be told.'

/** What remote control does not tell, and which setting would make it. */
export const controlRules: Rule = scene => {
  const refused = scene.seen.outcome('control')
  return [
    ...(refused === undefined || refused === null
      ? deaf(scene)
      : [
          {
            code: 'remote-control-refused',
            level: 'missing',
            source: 'inspect',
            title: `Workers cannot be asked: ${refused.message}`,
            cost: COST,
            ...(refused.hint === undefined ? {} : { fix: refused.hint }),
          } as const,
        ]),
    ...serializers(scene),
  ]
}

function deaf({ present, seen }: Scene): readonly Found[] {
  const silent = present.filter(({ worker, state, lastHeardMs }) => {
    const asked = seen.answers(worker)
    if (asked === undefined || state !== 'up') return false
    // Heard after the time for an answer was over: it lives, and its loop turns.
    return (
      asked.answeredMs === null && asked.missed >= MISSES && lastHeardMs > asked.firstAskedMs + ANSWER_TIME_MS
    )
  })
  if (silent.length === 0) return []
  return [
    {
      code: 'remote-control-off',
      level: 'missing',
      source: 'inspect',
      title: `${share(silent.length, present.length)} ${silent.length === 1 ? 'does' : 'do'} not answer remote control: ${listed(silent.map(({ worker }) => worker))}.`,
      cost: COST,
      fix: "Set worker_enable_remote_control = True on them, and let accept_content contain 'json'. If both are so, name their control_exchange: --broker-transport-option control_exchange=NAME.",
      evidence: 'They send events, and answered no question.',
    },
  ]
}

function serializers({ seen, present }: Scene): readonly Found[] {
  const names = [...present.map(({ worker }) => worker), 'unknown']
  const odd = names.flatMap(worker => {
    const serializer = seen.answers(worker)?.serializer ?? null
    return serializer === null ? [] : [{ worker, serializer }]
  })
  const [first] = odd
  if (first === undefined) return []
  const pickle = /python|pickle/.test(first.serializer)
  return [
    {
      code: 'replies-serializer',
      level: 'missing',
      source: 'inspect',
      title: `${counted(odd.length, 'worker')} ${odd.length === 1 ? 'answers' : 'answer'} in ${pickle ? 'pickle' : first.serializer}: ${listed(odd.map(({ worker }) => worker))}.`,
      cost: `${pickle ? 'Pickle is never executed here, so what' : 'What'} they say is not known; that they are there is.`,
      fix: "Set task_serializer = 'json' on these workers: since Celery 5.1 it is also the serializer of their answers.",
    },
  ]
}
