import { printable } from './printable.js';

/**
 * What a spreadsheet could take for a formula, also in full width and behind blanks (OWASP, "CSV Injection"). An apostrophe in front
 * makes it text.
 */
const FORMULA = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]/u;

function cell(value: unknown): string {
  if (value === undefined || value === '') return '';
  if (typeof value === 'number') return String(value);
  const text = printable(typeof value === 'string' ? value : JSON.stringify(value));
  return `"${(FORMULA.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
}

/** A record of CSV (RFC 4180): always as many fields as there are values, always one line. */
export function csvLine(values: readonly unknown[]): string {
  return `${values.map(cell).join(',')}\r\n`;
}
