/**
 * CloudWatch and SNS as far as Celeriac asks them, in the protocols that the AWS SDK speaks: AWS JSON 1.0 for CloudWatch,
 * query with XML answers for SNS. It refuses what the real ones refuse: an action or suppressor that does not exist, and an alarm that
 * is deleted while a composite alarm names it.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'

export interface AwsServer {
  readonly url: string
  /** As somebody in the console might. */
  readonly changeThreshold?: (alarm: string, threshold: number) => void
  stop(): Promise<void>
}

type Input = Readonly<Record<string, unknown>>

const REGION = 'eu-west-1'
const ACCOUNT = '123456789012'

class Refused extends Error {}

class Account {
  readonly #alarms = new Map<string, Input>()
  readonly #composites = new Map<string, Input>()
  readonly #dashboards = new Map<string, string>()
  readonly #metrics: {
    readonly Namespace: unknown
    readonly MetricName: unknown
    readonly Dimensions: unknown
  }[] = []
  readonly #topics = new Map<string, { protocol: string; endpoint: string }[]>()

  changeThreshold(name: string, threshold: number): void {
    this.#alarms.set(name, { ...this.#alarms.get(name), Threshold: threshold })
  }

  cloudwatch(operation: string, input: Input): unknown {
    const name = String(input['AlarmName'] ?? input['DashboardName'])
    switch (operation) {
      case 'DescribeAlarms': {
        const named = (all: ReadonlyMap<string, Input>) =>
          (input['AlarmNames'] as string[]).flatMap(each => all.get(each) ?? [])
        return { MetricAlarms: named(this.#alarms), CompositeAlarms: named(this.#composites) }
      }
      case 'PutMetricData':
        for (const { MetricName, Dimensions, Values, Counts } of input['MetricData'] as Input[]) {
          if ((Values as unknown[]).length !== (Counts as unknown[]).length)
            throw new Refused('counts do not fit values')
          this.#metrics.push({ Namespace: input['Namespace'], MetricName, Dimensions })
        }
        return {}
      case 'ListMetrics':
        return { Metrics: this.#metrics.filter(({ Namespace }) => Namespace === input['Namespace']) }
      case 'PutMetricAlarm':
        this.#checkActions(input)
        this.#alarms.set(name, input)
        return {}
      case 'PutCompositeAlarm': {
        this.#checkActions(input)
        for (const each of namesIn(input))
          if (!this.#alarms.has(each) && !this.#composites.has(each)) throw new Refused(`no alarm ${each}`)
        const { ActionsSuppressor } = input
        this.#composites.set(name, {
          ...input,
          ...(ActionsSuppressor === undefined
            ? {}
            : {
                ActionsSuppressor: `arn:aws:cloudwatch:${REGION}:${ACCOUNT}:alarm:${ActionsSuppressor as string}`,
              }),
        })
        return {}
      }
      case 'DeleteAlarms':
        for (const each of input['AlarmNames'] as string[]) {
          const by = [...this.#composites].find(([, composite]) => namesIn(composite).includes(each))
          if (by !== undefined) throw new Refused(`${by[0]} names ${each}`)
          this.#alarms.delete(each)
          this.#composites.delete(each)
        }
        return {}
      case 'GetDashboard': {
        const DashboardBody = this.#dashboards.get(name)
        if (DashboardBody === undefined) throw new Refused('DashboardNotFoundError')
        return { DashboardName: name, DashboardBody }
      }
      case 'PutDashboard':
        this.#dashboards.set(name, String(input['DashboardBody']))
        return {}
      case 'DeleteDashboards':
        for (const each of input['DashboardNames'] as string[]) this.#dashboards.delete(each)
        return {}
      default:
        throw new Refused(`no operation ${operation}`)
    }
  }

  sns(operation: string, input: URLSearchParams): string {
    const arn = input.get('TopicArn') ?? ''
    switch (operation) {
      case 'ListTopics':
        return `<Topics>${[...this.#topics.keys()].map(each => `<member><TopicArn>${each}</TopicArn></member>`).join('')}</Topics>`
      case 'CreateTopic': {
        const made = `arn:aws:sns:${REGION}:${ACCOUNT}:${input.get('Name') ?? ''}`
        this.#topics.set(made, this.#topics.get(made) ?? [])
        return `<TopicArn>${made}</TopicArn>`
      }
      case 'Subscribe':
        this.#topic(arn).push({
          protocol: input.get('Protocol') ?? '',
          endpoint: input.get('Endpoint') ?? '',
        })
        return '<SubscriptionArn>pending confirmation</SubscriptionArn>'
      case 'ListSubscriptionsByTopic':
        return `<Subscriptions>${this.#topic(arn)
          .map(
            each =>
              `<member><SubscriptionArn>PendingConfirmation</SubscriptionArn><TopicArn>${arn}</TopicArn><Protocol>${each.protocol}</Protocol><Endpoint>${each.endpoint}</Endpoint></member>`,
          )
          .join('')}</Subscriptions>`
      case 'DeleteTopic':
        this.#topics.delete(arn)
        return ''
      default:
        throw new Refused(`no operation ${operation}`)
    }
  }

  #topic(arn: string): { protocol: string; endpoint: string }[] {
    const topic = this.#topics.get(arn)
    if (topic === undefined) throw new Refused(`no topic ${arn}`)
    return topic
  }

  #checkActions(input: Input): void {
    for (const list of ['AlarmActions', 'OKActions'])
      for (const arn of (input[list] as string[] | undefined) ?? []) this.#topic(arn)
  }
}

const namesIn = (composite: Input): readonly string[] => [
  ...[...String(composite['AlarmRule']).matchAll(/ALARM\("([^"]+)"\)/g)].flatMap(match => match[1] ?? []),
  ...(composite['ActionsSuppressor'] === undefined
    ? []
    : [(composite['ActionsSuppressor'] as string).replace(/^arn:.*:alarm:/, '')]),
]

export async function startFakeAws(): Promise<AwsServer> {
  const account = new Account()
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks)
      // The SDK compresses what is large.
      const plain = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body
      answer(account, request, plain.toString('utf8'), response)
    })
  })
  await new Promise<void>(resolve => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    changeThreshold: (alarm, threshold) => account.changeThreshold(alarm, threshold),
    async stop() {
      server.closeAllConnections()
      await new Promise(resolve => {
        server.close(resolve)
      })
    },
  }
}

function answer(account: Account, request: IncomingMessage, body: string, response: ServerResponse): void {
  const target = request.headers['x-amz-target']
  const json = { 'content-type': 'application/x-amz-json-1.0' }
  try {
    if (typeof target === 'string') {
      const done = account.cloudwatch(target.slice(target.indexOf('.') + 1), JSON.parse(body) as Input)
      response.writeHead(200, json).end(JSON.stringify(done))
      return
    }
    const input = new URLSearchParams(body)
    const operation = input.get('Action') ?? ''
    const result = account.sns(operation, input)
    response
      .writeHead(200, { 'content-type': 'text/xml' })
      .end(
        `<${operation}Response xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><${operation}Result>${result}</${operation}Result><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></${operation}Response>`,
      )
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    response.writeHead(400, json).end(
      JSON.stringify({
        __type: error.message.includes('NotFound') ? 'DashboardNotFoundError' : 'ValidationError',
        message: error.message,
      }),
    )
  }
}
