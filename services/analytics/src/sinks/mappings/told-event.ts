import { ScalarType } from '@bufbuild/protobuf';
import { EventSchema, type EventJson } from '@switchyard/contracts';

/** What an event says, each field as its type has it. */
export type ToldEvent = Readonly<EventJson>;

type Read = (value: unknown) => unknown;

// What stands in the stream was written by the gateway, but a sink that throws at one line would wait at it for ever.
const text: Read = (value) => {
  if (typeof value === 'string') return value === '' ? undefined : value.toWellFormed();
  return value === null || value === undefined ? undefined : String(JSON.stringify(value)).toWellFormed();
};
const number: Read = (value) => {
  const read = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof read === 'number' && Number.isFinite(read) ? read : undefined;
};
const time: Read = (value) => {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString();
};
const list: Read = (value) => {
  const texts = Array.isArray(value) ? value.map(text).filter((one) => one !== undefined) : [];
  return texts.length === 0 ? undefined : texts;
};
const map =
  (read: Read): Read =>
  (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    const entries = Object.entries(value).flatMap(([key, one]) => {
      const told = read(one);
      return told === undefined ? [] : [[key.toWellFormed(), told] as const];
    });
    return entries.length === 0 ? undefined : Object.fromEntries(entries);
  };

const READERS: readonly (readonly [name: string, read: Read])[] = EventSchema.fields.map((field) => {
  if (field.fieldKind === 'message') return [field.jsonName, time];
  if (field.fieldKind === 'list') return [field.jsonName, list];
  const one = field.scalar === ScalarType.STRING ? text : number;
  return [field.jsonName, field.fieldKind === 'map' ? map(one) : one];
});

/**
 * Reads an event for sinks: what is no field is left out, as is what no value of its field's type can be made of. It has a time always.
 * Never throws.
 */
export function toldEvent(event: EventJson): ToldEvent {
  const told: Record<string, unknown> = {};
  for (const [name, read] of READERS) {
    const value = read((event as Readonly<Record<string, unknown>>)[name]);
    if (value !== undefined) told[name] = value;
  }
  // Receivers want a time; of one that says none that can be read it is when its process began.
  told['occurred_at'] ??= told['recorded_at'] ?? time(new Date(Number(told['epoch'])).toJSON()) ?? new Date(0).toISOString();
  return told;
}

/** When it happened, milliseconds since 1970; 0 where nobody knows. */
export const happenedAtMs = ({ occurred_at: occurredAt = '' }: ToldEvent) => Date.parse(occurredAt) || 0;

/** One line for people: what happened, to what, how it ended and why. */
export const summaryOf = ({ type, capability, upstream, outcome, reason }: ToldEvent) =>
  [type, capability ?? upstream, outcome, reason && `(${reason})`].filter((part) => part !== undefined).join(' ');
