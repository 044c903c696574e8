import { ScalarType, type DescField } from '@bufbuild/protobuf';
import { EventSchema, type EventJson } from '@switchyard/contracts';
import { parquetWriteBuffer } from 'hyparquet-writer';
import type { SinkItem } from '../sink.js';

type Cell = string | bigint | number | Date | undefined;

interface Column {
  readonly name: keyof EventJson;
  readonly type: 'STRING' | 'INT64' | 'INT32' | 'TIMESTAMP';
  /** @param value whatever stands in an event's line */
  readonly cell: (value: unknown) => Cell;
}

const text = (value: unknown): Cell => (typeof value === 'string' ? value.toWellFormed() : undefined);
const json = (value: unknown): Cell => (value === undefined ? undefined : JSON.stringify(value));
const whole = (value: unknown): Cell => (Number.isSafeInteger(value) ? BigInt(value as number) : undefined);
const small = (value: unknown): Cell => (Number.isInteger(value) && value === Number(value) << 0 ? Number(value) : undefined);
const decimal = (value: unknown): Cell => (typeof value === 'string' && /^\d{1,18}$/.test(value) ? BigInt(value) : undefined);
const time = (value: unknown): Cell => {
  const atMs = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(atMs) ? undefined : new Date(atMs);
};

/** Texts that are numbers of 64 bits. */
const DECIMALS: ReadonlySet<string> = new Set(['epoch', 'sequence']);

function columnOf(field: DescField): Column {
  const name = field.jsonName as keyof EventJson;
  if (DECIMALS.has(name)) return { name, type: 'INT64', cell: decimal };
  if (field.fieldKind === 'message') return { name, type: 'TIMESTAMP', cell: time };
  if (field.fieldKind !== 'scalar') return { name, type: 'STRING', cell: json };
  if (field.scalar === ScalarType.UINT32) return { name, type: 'INT64', cell: whole };
  if (field.scalar === ScalarType.INT32) return { name, type: 'INT32', cell: small };
  return { name, type: 'STRING', cell: text };
}

/** One for each field of an event, in the order of the contract. */
const COLUMNS = EventSchema.fields.map(columnOf);

/** A Parquet file of events: their fields as columns, which are null where an event has none of it, and `event` as mapped. */
export function parquetOf(items: readonly SinkItem[]): Uint8Array {
  const columnData = COLUMNS.map(({ name, type, cell }) => ({
    name,
    type,
    nullable: true,
    data: items.map(({ event }) => cell(event[name])),
  }));
  const mapped = { name: 'event', type: 'STRING' as const, nullable: false, data: items.map((item) => item.text.toWellFormed()) };
  return new Uint8Array(parquetWriteBuffer({ columnData: [...columnData, mapped] }));
}
