import type { NatsConnection, Subscription } from '@nats-io/nats-core';
import { ClientNats, ServerNats, type WritePacket } from '@nestjs/microservices';
import { finalize, type Observable, type Subscription as RxSubscription } from 'rxjs';
import type { NatsLink } from './nats-link.js';
import { fulfilledWithin, pause } from './pause.js';

const drainTimeoutMs = 5_000;

/** Nest's NATS server on a connection that is shared, and that it therefore leaves open. */
export class LinkedNatsServer extends ServerNats {
  readonly #connection: NatsConnection;
  readonly #served: Subscription[] = [];
  #underWay = 0;

  /** @param queue members of one queue share the calls: one name for all instances of a service */
  constructor(connection: NatsConnection, queue: string) {
    super({ queue });
    this.#connection = connection;
  }

  override createNatsClient(): Promise<NatsConnection> {
    return Promise.resolve(this.#connection);
  }

  override bindEvents(client: NatsConnection): void {
    super.bindEvents({
      subscribe: (...args: Parameters<NatsConnection['subscribe']>) => {
        const subscription = client.subscribe(...args);
        this.#served.push(subscription);
        return subscription;
      },
    });
  }

  override send(replies: Observable<unknown>, respond: (data: WritePacket) => Promise<unknown> | void): RxSubscription {
    this.#underWay += 1;
    return super.send(replies.pipe(finalize(() => (this.#underWay -= 1))), respond);
  }

  /** The link tells of the connection's state. */
  override handleStatusUpdates(): Promise<void> {
    return Promise.resolve();
  }

  /** Takes no new calls, and waits up to `drainTimeoutMs` for those under way. */
  override async close(): Promise<void> {
    const open = this.#served.splice(0).filter((subscription) => !subscription.isClosed());
    await fulfilledWithin(Promise.allSettled(open.map((subscription) => subscription.drain())), drainTimeoutMs);
    const deadline = performance.now() + drainTimeoutMs;
    while (this.#underWay > 0 && performance.now() < deadline) await pause(10);
  }
}

/** Nest's NATS client on a connection that is shared, and that it therefore leaves open. */
export class LinkedNatsClient extends ClientNats {
  readonly #connection: NatsConnection;

  constructor({ connection, inboxPrefix }: NatsLink) {
    super({ inboxPrefix });
    this.#connection = connection;
  }

  override createClient(): Promise<NatsConnection> {
    return Promise.resolve(this.#connection);
  }

  /** The link tells of the connection's state. */
  override handleStatusUpdates(): Promise<void> {
    return Promise.resolve();
  }

  override close(): Promise<void> {
    this.handleClose();
    return Promise.resolve();
  }
}
