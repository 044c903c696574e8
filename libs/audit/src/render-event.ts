import { ScalarType, type DescField } from '@bufbuild/protobuf';
import { EventSchema, type EventFields } from '@switchyard/contracts';
import { shortenEvent } from './shorten-event.js';

/** What makes an event this event. */
export interface EventIdentity {
  /** Tenant of events that name none. */
  readonly tenant: string;
  readonly emitter: string;
  /** Boot of the emitter, milliseconds since 1970. */
  readonly epoch: number;
  /** Position within the boot, from 1. */
  readonly sequence: number;
  /** When it is recorded, milliseconds since 1970: the time of events that name none. */
  readonly recordedAtMs: number;
}

type FieldKind = 'text' | 'unsigned' | 'signed' | 'map';

/** Longest line, in characters; a longer event is shortened. Far below what one bus message can carry. */
const lineLimit = 64 * 1024;
const unsignedLimit = 2 ** 32 - 1;
const signedLimit = 2 ** 31;
// Text that JSON shows as it is: printable ASCII without the quotation mark and the backslash.
const plainText = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;
const identityFields: ReadonlySet<string> = new Set(['event_id', 'tenant', 'occurred_at', 'emitter', 'epoch', 'sequence']);

function kindOf(field: DescField): FieldKind {
  if (field.fieldKind === 'map') return 'map';
  if (field.scalar === ScalarType.UINT32) return 'unsigned';
  return field.scalar === ScalarType.INT32 ? 'signed' : 'text';
}

interface Field {
  readonly name: keyof EventFields;
  readonly kind: FieldKind;
  /** Name as it stands in front of the value. */
  readonly key: string;
}

const FIELDS: readonly Field[] = EventSchema.fields
  .filter(({ jsonName }) => !identityFields.has(jsonName))
  .map((field) => ({ name: field.jsonName as keyof EventFields, kind: kindOf(field), key: `,"${field.jsonName}":` }));

/**
 * Renders an event as one line of ProtoJSON of switchyard.events.v1.Event, without the line feed. Empty fields are left
 * out, as ProtoJSON does. Numbers are held within what their field can carry, text is made well-formed Unicode, and an
 * event beyond 64 Ki characters is shortened, so that no event is refused later on.
 */
export function renderEvent(fields: EventFields, identity: EventIdentity): string {
  const line = renderLine(fields, identity);
  return line.length > lineLimit ? renderLine(shortenEvent(fields), identity) : line;
}

function renderLine(fields: EventFields, identity: EventIdentity): string {
  let line = renderIdentity(fields, identity);
  for (const { name, kind, key } of FIELDS) {
    const value = fields[name];
    if (value === undefined || value === null || value === '' || value === 0) continue;
    line += renderField(key, kind, value);
  }
  return `${line}}`;
}

function renderIdentity(fields: EventFields, { tenant, emitter, epoch, sequence, recordedAtMs }: EventIdentity): string {
  const emitterText = jsonText(emitter);
  const eventId = `${emitterText.slice(0, -1)}/${epoch}/${sequence}"`;
  const occurredAt = fields.occurred_at === undefined ? `"${rfc3339(recordedAtMs)}"` : jsonText(fields.occurred_at);
  return (
    `{"event_id":${eventId},"tenant":${jsonText(fields.tenant ?? tenant)},"occurred_at":${occurredAt}` +
    `,"emitter":${emitterText},"epoch":"${epoch}","sequence":"${sequence}"`
  );
}

function renderField(key: string, kind: FieldKind, value: string | number | object): string {
  if (kind === 'text') return key + jsonText(String(value));
  if (kind === 'map') return renderMap(key, value as Readonly<Record<string, string>>);
  const number =
    kind === 'unsigned' ? within(Number(value), 0, unsignedLimit) : within(Number(value), -signedLimit, signedLimit - 1);
  return number === 0 ? '' : key + number;
}

function renderMap(key: string, map: Readonly<Record<string, string>>): string {
  const entries = Object.entries(map).map(([name, value]) => `${jsonText(name)}:${jsonText(value)}`);
  return entries.length === 0 ? '' : `${key}{${entries.join(',')}}`;
}

function jsonText(text: string): string {
  return plainText.test(text) ? `"${text}"` : JSON.stringify(text.toWellFormed());
}

function within(value: number, least: number, most: number): number {
  return Number.isNaN(value) ? 0 : Math.min(Math.max(Math.trunc(value), least), most);
}

let latestMs = Number.NaN;
let latestText = '';

/** RFC 3339 in UTC with milliseconds; the latest one is kept, because one event-loop turn asks for the same one often. */
function rfc3339(ms: number): string {
  if (ms !== latestMs) {
    latestText = new Date(ms).toISOString();
    latestMs = ms;
  }
  return latestText;
}
