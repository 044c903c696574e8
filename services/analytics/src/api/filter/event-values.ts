import type { EventJson } from '@switchyard/contracts';

// What an event says, as columns of the database would have it: empty where it says nothing, or something of another type.

type Field = string;

const valueOf = (event: EventJson, field: Field): unknown => (event as Readonly<Record<Field, unknown>>)[field];

/** A field that is one text. */
export function textIn(event: EventJson, field: Field): string {
  const value = valueOf(event, field);
  return typeof value === 'string' ? value : '';
}

/** A field that is a list of texts. */
export function textsIn(event: EventJson, field: Field): readonly string[] {
  const value = valueOf(event, field);
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
}

/** One value of a field that has several by name. */
export function namedIn(event: EventJson, field: Field, key: string): unknown {
  const value = valueOf(event, field);
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Readonly<Record<string, unknown>>)[key]
    : undefined;
}

/** All texts of a field that has several by name. */
export function namedTextsIn(event: EventJson, field: Field): readonly string[] {
  const value = valueOf(event, field);
  const values: readonly unknown[] = typeof value === 'object' && value !== null ? Object.values(value) : [];
  return values.filter((one): one is string => typeof one === 'string');
}

/** A number, which ProtoJSON has as a number or, with 64 bits, as decimal text. */
export function numberOf(value: unknown): bigint {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : 0n;
  return typeof value === 'string' && /^-?\d{1,20}$/.test(value) ? BigInt(value) : 0n;
}

/** A field that is a time, milliseconds since 1970. */
export function timeIn(event: EventJson, field: Field): number {
  const atMs = Date.parse(textIn(event, field));
  return Number.isNaN(atMs) ? 0 : atMs;
}

/** A field that is a number. */
export const numberIn = (event: EventJson, field: Field): bigint => numberOf(valueOf(event, field));
