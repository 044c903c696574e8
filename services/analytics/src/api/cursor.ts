import { z } from 'zod';

/** A place in the order "newest first": that of one event. */
export interface EventPlace {
  readonly occurredAtMs: number;
  readonly emitter: string;
  /** Decimal text: 64 bit. */
  readonly epoch: string;
  readonly sequence: string;
  readonly eventId: string;
}

const decimal = /^(?:0|[1-9]\d{0,19})$/;
const unsigned64 = z.string().refine((text) => decimal.test(text) && BigInt(text) < 2n ** 64n);
// Times that a JavaScript date can have.
const timeMs = z.int().min(-8.64e15).max(8.64e15);
const fields = z.tuple([timeMs, z.string(), unsigned64, unsigned64, z.string()]);

/** Writes a place as opaque text. */
export function encodeCursor({ occurredAtMs, emitter, epoch, sequence, eventId }: EventPlace): string {
  return Buffer.from(JSON.stringify([occurredAtMs, emitter, epoch, sequence, eventId])).toString('base64url');
}

// "<occurred_at>,<event_id>": what anybody has who holds an event, such as the last whole line of an export that broke off.
const ofEvent = /^([^,]+),((.*)\/(\d+)\/(\d+))$/s;

/** Reads a cursor, or the time and id of an event; undefined where it is neither. */
export function decodeCursor(cursor: string): EventPlace | undefined {
  const [, occurredAt, eventId, ...identity] = ofEvent.exec(cursor) ?? [];
  if (occurredAt !== undefined) return placeOf([Date.parse(occurredAt), ...identity, eventId]);
  return placeOf(parseJson(Buffer.from(cursor, 'base64url').toString()));
}

function placeOf(values: unknown): EventPlace | undefined {
  const parsed = fields.safeParse(values);
  if (!parsed.success) return undefined;
  const [occurredAtMs, emitter, epoch, sequence, eventId] = parsed.data;
  return { occurredAtMs, emitter, epoch, sequence, eventId };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
