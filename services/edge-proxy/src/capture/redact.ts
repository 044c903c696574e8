import { createHmac } from 'node:crypto';
import { type FieldPaths, fieldsBelow } from './field-paths.js';
import { holdsSecret, isSecretName } from './secret-shapes.js';

const digestCharacters = 22;
/** What may stay of a member's name; others may be data, such as an address that something is listed under. */
const plainName = /^[$@]?[A-Za-z_][A-Za-z0-9_-]{0,63}$/;
const SECRET = '"secret"';

interface Redaction {
  readonly key: Uint8Array;
  readonly limitCharacters: number;
  written: number;
}

/** It has become longer than what is kept. */
class TooLong extends Error {}

/**
 * Takes the values out of a JSON value: what stays is its shape, fields that are named, null, and of every other value its type and a
 * keyed digest, so that equal ones can be told. What looks like a secret stays nowhere.
 * @param clear fields that stay readable
 * @param key of the digests
 * @param limitCharacters longest text that is returned
 * @returns JSON text; undefined where it would be longer
 */
export function redact(value: unknown, clear: FieldPaths, key: Uint8Array, limitCharacters: number): string | undefined {
  try {
    return redacted(value, clear, { key, limitCharacters, written: 0 });
  } catch (error) {
    if (error instanceof TooLong) return undefined;
    throw error;
  }
}

/** What stands for a value: equal values of one type have equal digests under one key. */
export function keyedDigest(type: string, text: string | Uint8Array, key: Uint8Array): string {
  return createHmac('sha256', key).update(`${type}\n`).update(text).digest('base64url').slice(0, digestCharacters);
}

function redacted(value: unknown, clear: FieldPaths, own: Redaction): string {
  if (value === null) return counted('null', own);
  if (Array.isArray(value)) {
    counted('[]', own);
    return `[${value.map((each, index) => redacted(each, fieldsBelow(clear, String(index)), own)).join(',')}]`;
  }
  if (typeof value === 'object') return redactedMembers(value as Record<string, unknown>, clear, own);
  return counted(leaf(value, clear, own), own);
}

function redactedMembers(value: Record<string, unknown>, clear: FieldPaths, own: Redaction): string {
  counted('{}', own);
  const members = Object.entries(value).map(([name, each]) => {
    const shown = counted(`${JSON.stringify(shownName(name, clear, own))}:`, own);
    const content = isSecretName(name) && each !== null ? counted(SECRET, own) : redacted(each, fieldsBelow(clear, name), own);
    return shown + content;
  });
  return `{${members.join(',')}}`;
}

function shownName(name: string, clear: FieldPaths, { key }: Redaction): string {
  const isShown = (plainName.test(name) || clear.whole) && !holdsSecret(name);
  return isShown ? name : `name:${keyedDigest('name', name, key)}`;
}

function leaf(value: unknown, clear: FieldPaths, { key }: Redaction): string {
  if (typeof value === 'string' && holdsSecret(value)) return SECRET;
  if (clear.whole) return JSON.stringify(value);
  // Two values would be known by their digests at once.
  if (typeof value === 'boolean') return '"boolean"';
  const type = typeof value;
  return `"${type}:${keyedDigest(type, String(value), key)}"`;
}

function counted(text: string, own: Redaction): string {
  own.written += text.length;
  if (own.written > own.limitCharacters) throw new TooLong();
  return text;
}
