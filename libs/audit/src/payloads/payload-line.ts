import { z } from 'zod';

/** A captured payload on its way to the database. Nothing in it can be read without its key. */
export interface SealedPayload {
  readonly tenant: string;
  readonly payloadId: string;
  readonly keyId: string;
  /** Nonce, ciphertext and tag. */
  readonly sealed: Buffer;
}

const line = z.object({
  tenant: z.string().min(1),
  payload_id: z.string().regex(/^[0-9a-f]{32}$/),
  key_id: z.string().min(1).max(256),
  captured_at: z.iso.datetime(),
  ciphertext: z.base64(),
});

/** As it stands in the stream, and in the database. */
export type PayloadLine = z.infer<typeof line>;

/** Renders a payload as one line of JSON, of ASCII alone, without its closing brace: the spool adds a link. */
export function renderOpenPayload({ tenant, payloadId, keyId, sealed }: SealedPayload, capturedAtMs: number): string {
  const head: Omit<PayloadLine, 'ciphertext'> = {
    tenant,
    payload_id: payloadId,
    key_id: keyId,
    captured_at: new Date(capturedAtMs).toISOString(),
  };
  return `${JSON.stringify(head).slice(0, -1)},"ciphertext":"${sealed.toString('base64')}"`;
}

/** Reads a line of the stream; undefined where it is none. What else it says, its link, is not kept. */
export function parsePayload(text: string): PayloadLine | undefined {
  try {
    return line.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
