import { afterAll, beforeAll, describe } from 'vitest'
import { silentLog } from '../../base/index.ts'
import type { NameOptions } from '../../celery/index.ts'
import { type RabbitmqServer, startRabbitmq } from '../../../test/servers/rabbitmq.ts'
import type { Broker } from '../broker.ts'
import { AMQP_TRAITS, brokerSuite, realClock } from '../broker-suite.ts'
import { type AmqpTarget, parseBrokerUrl } from '../url.ts'
import { createAmqpBroker } from './broker.ts'
import { createAmqpLink } from './link.ts'
import { parseManagementUrl } from './management-url.ts'

function amqpTarget(url: string): AmqpTarget {
  const target = parseBrokerUrl(url)
  if (target.transport !== 'amqp') throw new Error(`not a RabbitMQ: ${url}`)
  return target
}

const brokerAt = (
  url: string,
  options: { name?: string; managementUrl?: string; names?: NameOptions } = {},
): Broker => {
  const target = amqpTarget(url)
  const { name = 'default', managementUrl, names } = options
  return createAmqpBroker({
    name,
    target,
    clock: realClock,
    log: silentLog,
    ...(names && { transportOptions: names }),
    ...(managementUrl === undefined ? {} : { management: parseManagementUrl(managementUrl, target) }),
  })
}

const linkTo = (url: string, names?: NameOptions) =>
  createAmqpLink({
    target: amqpTarget(url),
    clock: realClock,
    log: silentLog,
    maxPriority: 9,
    ...(names && { transportOptions: names }),
  })

let server: RabbitmqServer
let vhosts = 0
beforeAll(async () => {
  server = await startRabbitmq()
})
afterAll(() => server.stop())

describe('the contract', () => {
  brokerSuite(AMQP_TRAITS, async () => {
    const vhost = `world ${++vhosts}`
    const url = await server.createVhost(vhost)
    const { managementUrl } = server
    return {
      createBroker: (name, names) => brokerAt(url, { name, managementUrl, ...(names && { names }) }),
      createLink: names => linkTo(url, names),
      keys: async () => (await server.queues(vhost)).filter(queue => queue.startsWith('celeriac.')),
      crash: () => server.kill(),
      comeBack: () => server.restart(),
      end: async () => void (await server.api('DELETE', `vhosts/${encodeURIComponent(vhost)}`)),
    }
  })
})
