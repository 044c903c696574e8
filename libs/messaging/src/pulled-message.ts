import type { Msg, NatsConnection } from '@nats-io/nats-core';
import type { StreamMessage } from './bus.js';
import { deliveryOf } from './delivery.js';

const text = (value: string) => new TextEncoder().encode(value);
const ACK = text('+ACK');
const NAK = text('-NAK');
const WORKING = text('+WPI');

/** A message of a pull consumer and its acknowledgement. */
export class PulledMessage implements StreamMessage {
  readonly subject: string;
  readonly messageId: string;
  readonly sequence: string;
  readonly data: Uint8Array;
  readonly #connection: NatsConnection;
  readonly #ackSubject: string;

  constructor(connection: NatsConnection, message: Msg) {
    this.#connection = connection;
    this.#ackSubject = message.reply ?? '';
    this.subject = message.subject;
    this.data = message.data;
    this.messageId = message.headers?.get('Nats-Msg-Id') ?? '';
    this.sequence = String(deliveryOf(this.#ackSubject).streamSequence);
  }

  /** Acknowledges, and waits until JetStream has confirmed that. */
  async ack(timeoutMs: number): Promise<void> {
    await this.#connection.request(this.#ackSubject, ACK, { timeout: timeoutMs });
  }

  /** Gives it back: it is delivered again at once, to whoever pulls. */
  nak(): void {
    this.#connection.publish(this.#ackSubject, NAK);
  }

  /** Tells JetStream that it is still being worked on, which starts its wait for the acknowledgement anew. */
  working(): void {
    this.#connection.publish(this.#ackSubject, WORKING);
  }
}
