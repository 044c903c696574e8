import { createHash } from 'node:crypto';
import type { CapturePlan } from './capture-plan.js';
import type { FieldPaths } from './field-paths.js';
import { keyedDigest, redact } from './redact.js';

/** Parts of a call that are kept, as JSON text. */
export interface PayloadParts {
  readonly arguments?: Buffer | undefined;
  /** What the client answered where it had been asked for input. */
  readonly input_responses?: Buffer | undefined;
  readonly result?: Buffer | undefined;
  readonly error?: Buffer | undefined;
}

const NAMES = ['arguments', 'input_responses', 'result', 'error'] as const;

/**
 * Renders what is kept of a call, as JSON.
 * @param redactionKey of the digests that take the place of values
 */
export function renderPayload(plan: CapturePlan, parts: PayloadParts, redactionKey: Uint8Array): Buffer {
  const members = NAMES.flatMap((name) => {
    const text = parts[name];
    if (text === undefined) return [];
    const clear = name === 'arguments' || name === 'input_responses' ? plan.clear : plan.clearResult;
    const kept = plan.mode === 'full' ? inFull(text, plan.limitBytes) : inShape(text, plan.limitBytes, clear, redactionKey);
    return [`,"${name}":${kept}`];
  });
  return Buffer.from(`{"mode":"${plan.mode}"${members.join('')}}`);
}

/** Of what is too long the beginning, and what all of it was. */
function inFull(text: Buffer, limitBytes: number): string {
  if (text.length <= limitBytes) return text.toString('utf8');
  const sha256 = createHash('sha256').update(text).digest('hex');
  return JSON.stringify({ truncated: true, bytes: text.length, sha256, start: wholeCharacters(text, limitBytes) });
}

/** UTF-8 is not cut within a character (RFC 3629 §3). */
function wholeCharacters(text: Buffer, limitBytes: number): string {
  let end = limitBytes;
  while (end > 0 && ((text[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return text.toString('utf8', 0, end);
}

function inShape(text: Buffer, limitBytes: number, clear: FieldPaths, key: Uint8Array): string {
  const short = text.length <= limitBytes ? redact(parsed(text), clear, key, 2 * limitBytes) : undefined;
  if (short !== undefined) return short;
  return JSON.stringify({ omitted: 'too_long', bytes: text.length, digest: keyedDigest('text', text, key) });
}

/** The gate has let it in as JSON. */
const parsed = (text: Buffer): unknown => JSON.parse(text.toString('utf8'));
