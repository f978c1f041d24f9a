import type { ConfirmChannel, Options } from 'amqplib'
import { type Cancel, CeleriacError, type Clock } from '../../base/index.ts'
import type { AmqpTarget } from '../url.ts'
import type { AmqpConnection } from './connection.ts'
import { amqpError, REPLY, replyCode } from './errors.ts'

/** A broker that confirms nothing for so long does not serve publishers, whatever the reason. */
const CONFIRM_TIMEOUT_MS = 5_000

export type Published = 'confirmed' | 'no such exchange'

/**
 * Publishes with confirms on a connection of its own, because the broker stops reading a connection that publishes while it is short
 * of memory or disk (`connection.blocked`), and what we hear must not stop with it. A message that the broker does not confirm
 * rejects as BROKER_REFUSED, so that nobody waits for answers to a request that never left.
 */
export class Publisher {
  readonly #connection: AmqpConnection
  readonly #target: AmqpTarget
  readonly #clock: Clock
  #channel: Promise<ConfirmChannel> | undefined
  /** What the server said when it closed the last channel. */
  #closedBy: Error | undefined
  readonly #waiting = new Set<(error: CeleriacError) => void>()

  constructor(connection: AmqpConnection, target: AmqpTarget, clock: Clock) {
    this.#connection = connection
    this.#target = target
    this.#clock = clock
    connection.onBlocked(() => {
      for (const reject of this.#waiting) reject(this.#blocked())
    })
  }

  /** Resolves when the broker has taken the message, or has said that there is no such exchange. */
  async publish(
    exchange: string,
    routingKey: string,
    body: string,
    properties: Options.Publish,
  ): Promise<Published> {
    if (this.#connection.blockedBecause !== undefined) throw this.#blocked()
    const channel = await this.#open()
    return new Promise((resolve, reject) => {
      let cancel: Cancel = () => {}
      const settle = (finish: () => void): void => {
        cancel()
        this.#waiting.delete(refuse)
        finish()
      }
      const refuse = (error: CeleriacError): void => settle(() => reject(error))
      this.#waiting.add(refuse)
      cancel = this.#clock.after(CONFIRM_TIMEOUT_MS, () => refuse(this.#unconfirmed()))
      channel.publish(exchange, routingKey, Buffer.from(body), properties, error => {
        if (error === null) settle(() => resolve('confirmed'))
        else if (replyCode(this.#closedBy) === REPLY.notFound) settle(() => resolve('no such exchange'))
        else refuse(amqpError(this.#closedBy ?? error, this.#target, true))
      })
    })
  }

  #open(): Promise<ConfirmChannel> {
    this.#channel ??= this.#connection
      .openConfirmChannel(error => {
        this.#channel = undefined
        this.#closedBy = error
      })
      .catch((error: unknown) => {
        this.#channel = undefined
        throw error
      })
    return this.#channel
  }

  #blocked(): CeleriacError {
    const reason = this.#connection.blockedBecause ?? 'unknown'
    return new CeleriacError(
      'BROKER_REFUSED',
      `The broker ${this.#target.address} takes no messages from anybody: ${reason}.`,
      { hint: 'Free memory or disk on the broker; clients hang until then.' },
    )
  }

  #unconfirmed(): CeleriacError {
    return new CeleriacError(
      'BROKER_REFUSED',
      `The broker ${this.#target.address} did not confirm a message within ${CONFIRM_TIMEOUT_MS / 1000} s.`,
      { hint: 'Look at its load and its log.' },
    )
  }
}
