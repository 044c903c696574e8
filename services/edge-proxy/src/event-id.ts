import { createHash } from 'node:crypto';

/** A place on a stream, as `Last-Event-ID` names it. */
export interface StreamPlace {
  /** What the ids of all events of the stream start with. */
  readonly stream: string;
  /** Name of the edge that holds the stream's events. */
  readonly edge: string;
  /** The call whose stream it is, JSON text; empty: the session's standing stream. */
  readonly requestId: string;
  readonly sequence: number;
}

const EVENT_ID = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*)\.[A-Za-z0-9_-]{12}\.([A-Za-z0-9_-]{11})\.([0-9]{1,12})$/;

const encode = (text: string) => Buffer.from(text, 'utf8').toString('base64url');
const decode = (text: string) => Buffer.from(text, 'base64url').toString('utf8');

/** Says that this session was given the id: session ids are secrets, so nobody else can make it up. */
const tagOf = (session: string, name: string) =>
  createHash('sha256').update(`${session}\n${name}`).digest('base64url').slice(0, 11);

/**
 * What the ids of a stream's events start with: it says where the stream's events are and whose answer they carry, so that any edge can
 * resume it or say what has become of it (MCP 2025-11-25, "Resumability and Redelivery").
 * @param key 12 random characters in base64url
 */
export function streamName(session: string, edge: string, requestId: string, key: string): string {
  const name = `${encode(edge)}.${encode(requestId)}.${key}`;
  return `${name}.${tagOf(session, name)}`;
}

/** Reads an id that this session was given; undefined for every other. */
export function readEventId(session: string, id: string): StreamPlace | undefined {
  const match = EVENT_ID.exec(id);
  if (match === null) return undefined;
  const [, edge, requestId, tag, sequence] = match as unknown as [string, string, string, string, string];
  const stream = id.slice(0, id.lastIndexOf('.'));
  if (tagOf(session, stream.slice(0, stream.lastIndexOf('.'))) !== tag) return undefined;
  return { stream, edge: decode(edge), requestId: decode(requestId), sequence: Number(sequence) };
}
