import { z } from 'zod';

const dataKey = z.strictObject({
  id: z.string(),
  purpose: z
    .enum(['records', 'versions'])
    .describe('`records` encrypt what is stored; `versions` makes the versions of contents.'),
  createdAt: z.iso.datetime(),
  kek: z.string().describe('Key-encryption key that wrapped it.'),
  kekVersion: z.string().describe('Version of that key, in the words of its key service.'),
});

/** Answer to `GET /api/v1/data-keys`. */
export const dataKeysStatus = z.strictObject({
  tenant: z.string(),
  state: z.enum(['none', 'living', 'destroyed']).describe('`none`: nothing has been stored yet.'),
  current: z.string().optional().describe('Key that is used for what is stored from now on.'),
  resealed: z.boolean().optional().describe('Whether everything that is stored is encrypted with the current key.'),
  reseal: z
    .strictObject({ running: z.boolean(), done: z.int(), total: z.int(), damaged: z.int() })
    .optional()
    .describe('Round of encrypting records anew, at the vault that answers.'),
  keys: z.array(dataKey),
});

/** Answer to `POST /api/v1/data-keys/rotate`. */
export const rotatedKey = z.strictObject({
  current: z.string().describe('The new key; records are encrypted anew in the background.'),
});

/** Body of `POST /api/v1/data-keys/destroy`. */
export const destroyKeysBody = z.strictObject({ confirm: z.string().describe('`destroy all keys of <tenant>`, literally.') });

/** Answer to `POST /api/v1/data-keys/destroy`. */
export const destroyedKeys = z.strictObject({ tenant: z.string(), destroyed: z.int().describe('How many keys there were.') });

export type DataKeysStatus = z.infer<typeof dataKeysStatus>;
export type RotatedKey = z.infer<typeof rotatedKey>;
export type DestroyedKeys = z.infer<typeof destroyedKeys>;
