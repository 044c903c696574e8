import type { Envelope } from './envelope.js';
import { scanMessage } from './gate.js';
import { type Edit, splice } from './splice.js';

/** A message's bytes and what the gate says of them. */
export interface Gated {
  readonly bytes: Buffer;
  readonly envelope: Envelope;
}

/** Lets text through the gate. @throws Error where the gate refuses it */
export function gated(text: string | Buffer): Gated {
  const bytes = Buffer.from(text as string);
  const envelope = scanMessage(bytes);
  if (!envelope.ok) throw new Error(envelope.message);
  return { bytes, envelope };
}

/** The text after the edits, which must pass the gate again. */
export function edited({ bytes }: Gated, edits: readonly Edit[]): string {
  return gated(splice(bytes, edits)).bytes.toString('utf8');
}

/** A request as JSON text. @param members text of the members of params */
export const requestText = (method: string, params: string): string =>
  `{"jsonrpc":"2.0","id":7,"method":"${method}","params":${params}}`;

/** A response as JSON text. */
export const resultText = (result: string): string => `{"jsonrpc":"2.0","id":7,"result":${result}}`;
