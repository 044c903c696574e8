import { EventSchema } from '@switchyard/contracts';

/** What a column holds, and how many of it: one, a list, or some by name. */
export interface EventColumn {
  readonly of: 'text' | 'number' | 'time';
  readonly shape: 'one' | 'list' | 'map';
}

type EventField = (typeof EventSchema.fields)[number];

/** `TYPE_STRING` of protobuf's descriptors. */
const STRING = 9;
/** 64-bit numbers are text in ProtoJSON, and numbers in the database. */
const WIDE_NUMBERS: ReadonlySet<string> = new Set(['epoch', 'sequence']);
/** Never asked for: a query has its tenant from who asks. */
const HIDDEN: ReadonlySet<string> = new Set(['tenant']);
const SHAPES: Readonly<Record<EventField['fieldKind'], EventColumn['shape']>> = {
  scalar: 'one',
  message: 'one',
  enum: 'one',
  list: 'list',
  map: 'map',
};

function columnOf(field: EventField): EventColumn {
  const shape = SHAPES[field.fieldKind];
  if (field.fieldKind === 'message') return { of: 'time', shape };
  const isText = Number(field.scalar) === STRING && !WIDE_NUMBERS.has(field.jsonName);
  return { of: isText ? 'text' : 'number', shape };
}

/** Every column that a filter can name: the fields of an event. */
export const EVENT_COLUMNS: ReadonlyMap<string, EventColumn> = new Map(
  EventSchema.fields.filter(({ jsonName }) => !HIDDEN.has(jsonName)).map((field) => [field.jsonName, columnOf(field)]),
);
