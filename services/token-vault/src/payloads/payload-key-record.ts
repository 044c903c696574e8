import { z } from 'zod';

const generation = z.strictObject({ id: z.string().regex(/^[0-9a-f]{16}$/), key: z.base64url() });

const record = z.strictObject({
  /** What keys are derived from now; absent where everything was erased and nothing captured since. */
  current: generation.optional(),
  /** What was erased: that it was is all that is left of it. */
  erased: z.array(z.strictObject({ id: z.string(), atMs: z.int() })),
});

/** What one principal's payloads are encrypted under. */
export type PayloadKeyRecord = z.infer<typeof record>;

export const encodePayloadKeys = (keys: PayloadKeyRecord): Buffer => Buffer.from(JSON.stringify(keys));

/** @throws Error where it is none: it opened, so this vault has written it */
export const decodePayloadKeys = (content: Buffer): PayloadKeyRecord => record.parse(JSON.parse(content.toString('utf8')));
