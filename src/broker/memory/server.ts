import { CeleriacError } from '../../base/index.ts'

/** Who is connected to a MemoryServer. */
export interface MemoryClient {
  serverUp(): void
  serverDown(): void
}

interface Subscription {
  readonly client: MemoryClient
  readonly wants: (channel: string) => boolean
  readonly hear: (payload: string, channel: string) => void
}

interface Consumer {
  readonly client: MemoryClient
  readonly hear: (payload: string) => void
}

const DEFAULT_MAX_MEMORY_BYTES = 64 * 1024 * 1024
const DEFAULT_MAX_CLIENTS = 10_000

/**
 * What Redis is to Celery, inside this process: channels without memory, lists, sets. Bounded: when the lists hold
 * `maxMemoryBytes`, a push is refused as Redis refuses it under `noeviction`. Publishing hands the text to every subscriber
 * before it returns.
 */
export class MemoryServer {
  readonly maxMemoryBytes: number
  readonly maxClients: number
  readonly #clients = new Set<MemoryClient>()
  #subscriptions: Subscription[] = []
  readonly #lists = new Map<string, MessageList>()
  readonly #sets = new Map<string, Set<string>>()
  /** By list: who waits for its next message all the time, as BRPOP in a loop does. */
  readonly #consumers = new Map<string, Consumer>()
  #usedBytes = 0
  #full = false
  #up = true

  constructor(options: { readonly maxMemoryBytes?: number; readonly maxClients?: number } = {}) {
    this.maxMemoryBytes = options.maxMemoryBytes ?? DEFAULT_MAX_MEMORY_BYTES
    this.maxClients = options.maxClients ?? DEFAULT_MAX_CLIENTS
  }

  get isUp(): boolean {
    return this.#up
  }

  get clients(): number {
    return this.#clients.size
  }

  /** Bytes of all texts held (ASCII, so characters are bytes). */
  get memoryUsedBytes(): number {
    return this.#usedBytes
  }

  /** A push was refused and nothing has been taken since. */
  get isFull(): boolean {
    return this.#full
  }

  attach(client: MemoryClient): void {
    if (!this.#clients.has(client) && this.#clients.size >= this.maxClients)
      throw new CeleriacError('BROKER_REFUSED', 'The in-process broker has reached its maximum of clients.')
    this.#clients.add(client)
  }

  detach(client: MemoryClient): void {
    this.#clients.delete(client)
    this.#subscriptions = this.#subscriptions.filter(subscription => subscription.client !== client)
    for (const [list, consumer] of this.#consumers)
      if (consumer.client === client) this.#consumers.delete(list)
  }

  /** Forgets everything and tells every client, as a server that crashes does. */
  goDown(): void {
    if (!this.#up) return
    this.#up = false
    this.#subscriptions = []
    this.#consumers.clear()
    this.#lists.clear()
    this.#sets.clear()
    this.#usedBytes = 0
    this.#full = false
    for (const client of this.#clients) client.serverDown()
  }

  comeUp(): void {
    if (this.#up) return
    this.#up = true
    for (const client of this.#clients) client.serverUp()
  }

  subscribe(
    client: MemoryClient,
    wants: (channel: string) => boolean,
    hear: (payload: string, channel: string) => void,
  ): void {
    this.#check()
    this.#subscriptions = [...this.#subscriptions, { client, wants, hear }]
  }

  /** Hears the channel of every message until the returned function is called, or the server goes down. */
  overhear(hear: (channel: string) => void): () => void {
    const client: MemoryClient = { serverUp() {}, serverDown() {} }
    const wants = (channel: string): boolean => {
      hear(channel)
      return false
    }
    this.subscribe(client, wants, () => {})
    return () => this.detach(client)
  }

  /** Hands every message of a list to `hear` at once, those that wait already included. One consumer a list. */
  consume(client: MemoryClient, list: string, hear: (payload: string) => void): void {
    this.#check()
    this.#consumers.set(list, { client, hear })
    for (let payload = this.take(list); payload !== undefined; payload = this.take(list)) hear(payload)
  }

  publish(channel: string, payload: string): void {
    this.#check()
    for (const subscription of this.#subscriptions)
      if (subscription.wants(channel)) subscription.hear(payload, channel)
  }

  push(key: string, payload: string): void {
    this.#check()
    const consumer = this.#consumers.get(key)
    if (consumer !== undefined) return consumer.hear(payload)
    if (this.#usedBytes + payload.length > this.maxMemoryBytes) {
      this.#full = true
      throw new CeleriacError(
        'BROKER_REFUSED',
        `The in-process broker is full: it holds ${this.#usedBytes} of at most ${this.maxMemoryBytes} bytes.`,
      )
    }
    let list = this.#lists.get(key)
    if (list === undefined) this.#lists.set(key, (list = new MessageList()))
    list.push(payload)
    this.#usedBytes += payload.length
  }

  /** The oldest message, or undefined. */
  take(key: string): string | undefined {
    this.#check()
    const list = this.#lists.get(key)
    const payload = list?.take()
    if (list === undefined || payload === undefined) return undefined
    this.#usedBytes -= payload.length
    this.#full = false
    if (list.length === 0) this.#lists.delete(key)
    return payload
  }

  /** The message at one end, left where it is; '' for an empty list. */
  peek(key: string, end: 'oldest' | 'newest'): string {
    this.#check()
    return this.#lists.get(key)?.peek(end) ?? ''
  }

  length(key: string): number {
    this.#check()
    return this.#lists.get(key)?.length ?? 0
  }

  /** Bytes of the texts of a list. */
  bytes(key: string): number {
    this.#check()
    return this.#lists.get(key)?.bytes() ?? 0
  }

  /** Somebody takes every message of the list. */
  hasConsumer(key: string): boolean {
    return this.#consumers.has(key)
  }

  addMember(key: string, member: string): void {
    this.#check()
    const members = this.#sets.get(key)
    if (members === undefined) this.#sets.set(key, new Set([member]))
    else members.add(member)
  }

  members(key: string): readonly string[] {
    this.#check()
    return [...(this.#sets.get(key) ?? [])]
  }

  /** Names of everything held, for tests and discovery. */
  keys(): readonly string[] {
    this.#check()
    return [...this.#lists.keys(), ...this.#sets.keys()]
  }

  remove(key: string): void {
    while (this.take(key) !== undefined);
    this.#sets.delete(key)
  }

  #check(): void {
    if (!this.#up) throw new CeleriacError('BROKER_LOST', 'The in-process broker is down.')
  }
}

/** First in, first out, both ends in constant time. */
class MessageList {
  #messages: string[] = []
  #taken = 0

  get length(): number {
    return this.#messages.length - this.#taken
  }

  push(message: string): void {
    this.#messages.push(message)
  }

  bytes(): number {
    return this.#messages.reduce((sum, message) => sum + message.length, 0)
  }

  peek(end: 'oldest' | 'newest'): string | undefined {
    return end === 'oldest' ? this.#messages[this.#taken] : this.#messages.at(-1)
  }

  take(): string | undefined {
    const message = this.#messages[this.#taken]
    if (message === undefined) return undefined
    this.#messages[this.#taken++] = ''
    if (this.#taken > 1000 && this.#taken * 2 > this.#messages.length) {
      this.#messages = this.#messages.slice(this.#taken)
      this.#taken = 0
    }
    return message
  }
}
