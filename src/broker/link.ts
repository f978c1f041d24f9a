import { randomUUID } from 'node:crypto'
import { CeleriacError, type Log } from '../base/index.ts'
import {
  decodeControlRequest,
  decodeTask,
  encodeControlReply,
  encodeEvents,
  encodeTask,
  priorityOf,
  type RedisNames,
} from '../celery/index.ts'
import type { FleetLink } from './broker.ts'
import type { Wire } from './wire.ts'

const DEFAULT_EXCHANGE = 'celery'

/** Speaks for clients and workers over any wire, with the keys and channels of `names`. */
export function createLink(wire: Wire, names: RedisNames, log: Log): FleetLink {
  const declared = new Set<string>()
  return {
    connect: () => wire.connect(),
    close: () => wire.close(),

    async publishEvents(events) {
      const { routingKey, payload } = encodeEvents(events, {
        deliveryTag: randomUUID(),
        exchange: names.eventExchange,
      })
      await wire.publish(names.eventChannel(routingKey), payload)
    },

    publishRaw: (routingKey, payload) => wire.publish(names.eventChannel(routingKey), payload),

    async declareQueue(queue) {
      if (declared.has(queue)) return
      // A queue that no setting describes gets an exchange of its own name (Celery `app/amqp.py`, `Queues.new_missing`).
      const exchange = queue === DEFAULT_EXCHANGE ? DEFAULT_EXCHANGE : queue
      const member = names.bindingMember({ routingKey: queue, pattern: '', queue })
      await wire.addMember(names.bindingKey(exchange), member)
      declared.add(queue)
    },

    async publishTask(queue, task, priority = priorityOf(task)) {
      const payload = encodeTask(task, { deliveryTag: randomUUID(), routingKey: queue, priority })
      await wire.push(names.queueList(queue, priority), payload)
    },

    async takeTask(queues) {
      // Workers ask for step 0 of all their queues first, then the next step (kombu `transport/redis.py`, `_brpop_start`).
      const lists = queues.map(queue => names.queueLists(queue))
      const order = (lists[0] ?? []).flatMap((_, step) => lists.map(steps => steps[step] ?? ''))
      const taken = await wire.takeFirst(order)
      if (taken === undefined) return undefined
      const queue = queues[lists.findIndex(steps => steps.includes(taken.list))] ?? ''
      const task = decodeTask(taken.payload)
      if (!task.ok) {
        throw new CeleriacError(
          'BROKER_REFUSED',
          `A message of queue ${queue} is no task this program can read: ${task.detail}.`,
        )
      }
      return { queue, task: task.value }
    },

    onControl: handle =>
      wire.subscribe(names.controlChannel, payload => {
        const request = decodeControlRequest(payload)
        if (request.ok) handle(request.value)
        else log.warn('A control request could not be read.', { detail: request.detail })
      }),

    async reply(request, node, value) {
      const to = request.replyTo
      if (to === null) return
      const payload = encodeControlReply(
        { ticket: request.ticket, node, value },
        { deliveryTag: randomUUID(), to },
      )
      if (to.exchange === '') return wire.push(names.replyList(to.routingKey), payload)
      for (const member of await wire.members(names.bindingKey(to.exchange))) {
        const binding = names.parseBinding(member)
        if (binding?.routingKey === to.routingKey) await wire.push(names.queueList(binding.queue), payload)
      }
    },
  }
}
