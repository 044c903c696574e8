import { createHash } from 'node:crypto';
import type { SinkItem } from '../sink.js';

/** Events of one emitter's boot within one hour, in their order: what one object holds. */
export interface Part {
  /** Start of the hour, `2026-01-31T12`. */
  readonly hour: string;
  /** Of its object, under the prefix, without what follows the name. */
  readonly name: string;
  readonly items: readonly SinkItem[];
}

/** An object that is there. */
export interface StoredObject {
  readonly key: string;
  readonly part: Part;
  readonly bytes: number;
  /** Of the object as it is stored, in hexadecimal. */
  readonly sha256: string;
}

const NO_HOUR = '1970-01-01T00';
/** Of the digest, as many digits as keep what begins and ends alike apart. */
const DIGEST_DIGITS = 12;
const SEQUENCE_DIGITS = 12;

/** Parts events into objects. The same events make the same names, so that what is sent again takes the place of what was there. */
export function partsOf(items: readonly SinkItem[]): Part[] {
  const groups = new Map<string, SinkItem[]>();
  for (const item of items) {
    const { occurred_at: occurredAt, emitter = '', epoch = '' } = item.event;
    const key = JSON.stringify([hourOf(occurredAt), emitter, epoch]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return [...groups.values()].map((group) => {
    const hour = hourOf(group[0]?.event.occurred_at);
    return { hour, name: nameOf(hour, group), items: group };
  });
}

/** Folder of an hour, as Hive, Athena and others part tables. */
export const folderOf = (hour: string): string => `dt=${hour.slice(0, 10)}/hour=${hour.slice(11, 13)}`;

/** What is in the bucket of an hour by one request: the same for the same events. */
export function manifestOf(hour: string, sink: string, stored: readonly StoredObject[]): { name: string; text: string } {
  const objects = stored.map(({ key, bytes, sha256, part: { items } }) => ({
    key,
    bytes,
    sha256,
    events: items.length,
    first: items[0]?.id,
    last: items.at(-1)?.id,
  }));
  const events = objects.reduce((sum, object) => sum + object.events, 0);
  const keys = digestOf(objects.map(({ key }) => key));
  const text = `${JSON.stringify({ version: 1, sink, hour: `${hour}:00:00Z`, events, objects }, undefined, 1)}\n`;
  return { name: `_manifests/${folderOf(hour)}/${keys}.json`, text };
}

function hourOf(text = ''): string {
  const atMs = Date.parse(text);
  const hour = Number.isNaN(atMs) ? NO_HOUR : new Date(atMs).toISOString().slice(0, 13);
  // Years before 0 and after 9999 are written otherwise.
  return /^\d{4}-\d\d-\d\dT\d\d$/.test(hour) ? hour : NO_HOUR;
}

function nameOf(hour: string, items: readonly SinkItem[]): string {
  const { emitter = '', epoch = '' } = items[0]?.event ?? {};
  const sequenceOf = (item: SinkItem | undefined) => plain(item?.event.sequence ?? '').padStart(SEQUENCE_DIGITS, '0');
  // With another filter, other events lie between the same two.
  const digest = digestOf(items.map(({ text }) => text));
  const range = `${plain(epoch)}-${sequenceOf(items[0])}-${sequenceOf(items.at(-1))}`;
  return `${folderOf(hour)}/${plain(emitter)}/${range}-${digest}`;
}

/** Of what others say: letters that every program takes in names, and no name that means another folder. */
const plain = (text: string) => text.replaceAll(/[^\w.-]|^\.+/g, '_').slice(0, 100) || '_';

const digestOf = (texts: readonly string[]) =>
  createHash('sha256').update(texts.join('\n')).digest('hex').slice(0, DIGEST_DIGITS);
