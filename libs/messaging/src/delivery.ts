/** What the reply subject of a message from JetStream says of its delivery. */
export interface Delivery {
  /** Position in the stream. */
  readonly streamSequence: number;
  /** Position among everything that this consumer was sent, from 1 on. */
  readonly deliverySequence: number;
  /** How many messages stood behind it when it was sent. */
  readonly pending: number;
}

/**
 * Reads the reply subject of a message that a JetStream consumer delivered:
 * `$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<delivery seq>.<time>.<pending>`, and, by NATS ADR-15, the same with
 * `<domain>.<account hash>` after `$JS.ACK`.
 */
export function deliveryOf(ackSubject: string): Delivery {
  const tokens = ackSubject.split('.');
  const at = tokens.length === 9 ? 5 : 7;
  return {
    streamSequence: Number(tokens[at]),
    deliverySequence: Number(tokens[at + 1]),
    pending: Number(tokens[at + 3]),
  };
}
