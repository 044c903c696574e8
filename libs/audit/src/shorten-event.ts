import type { EventFields } from '@switchyard/contracts';
import { createHash } from 'node:crypto';

const textLimit = 512;
const detailEntriesLimit = 32;
const listLimit = 64;

/** Keeps the start of a long text and names the whole by its SHA-256, so that it can still be recognised. */
function shortenText(text: string): string {
  if (text.length <= textLimit) return text;
  const digest = createHash('sha256').update(text).digest('hex');
  return `${text.slice(0, textLimit)}… (${text.length} characters, sha256 ${digest})`;
}

function shortenValue(value: unknown): unknown {
  if (typeof value === 'string') return shortenText(value);
  if (!Array.isArray(value)) return value;
  const texts = (value as readonly string[]).slice(0, listLimit).map(shortenText);
  return value.length > listLimit ? [...texts, `… (${value.length} entries)`] : texts;
}

function shortenDetail(detail: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(detail);
  const kept = entries.slice(0, detailEntriesLimit).map(([key, value]) => [shortenText(key), shortenText(value)]);
  const dropped = entries.length - kept.length;
  return Object.fromEntries(dropped > 0 ? [...kept, ['dropped_entries', String(dropped)]] : kept);
}

/** Cuts every long text of an event to 512 characters and its detail to 32 entries; what was cut is named by its digest. */
export function shortenEvent(fields: EventFields): EventFields {
  return { ...shortenTexts(fields), detail: shortenDetail(fields.detail ?? {}) };
}

/** Cuts every long text, also those of a list. */
export function shortenTexts<Fields extends object>(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, shortenValue(value)])) as Fields;
}
