import { listenAddress, platformSchema } from '@switchyard/platform';
import { z } from 'zod';

const base = z.strictObject({
  listen: listenAddress('127.0.0.1', 8082, 'Where the edge reaches the HTTP admin API.'),
  // No default: it decides whether a key on the local disk is good enough.
  profile: z
    .enum(['development', 'production'])
    .describe('What the vault may rely on. `production` takes no key from a local file.'),
  kek: z
    .strictObject({
      file: z.string().min(1).describe('File with the key-encryption key: 32 bytes in base64url, mode 0600.'),
      createIfMissing: z.boolean().default(false).describe('Makes a new key where there is no file. For a first start only.'),
    })
    .describe('The key that encrypts the keys that encrypt what is stored.'),
  referenceDirectory: z.string().min(1).default('.').describe('Folder that relative `${file:PATH}` references start from.'),
});

type Base = z.output<typeof base>;

const localKeyInProduction =
  'is a key file on the local disk, which production does not take: whoever copies the disk has the key and what it protects. ' +
  'Use a key management service, or say `profile: development`.';

function refuseUnsafe(config: Base, context: z.RefinementCtx<Base>): void {
  if (config.profile !== 'production') return;
  context.addIssue({ code: 'custom', path: ['kek', 'file'], message: localKeyInProduction });
}

/** What the token vault itself needs to know. Refuses combinations that are not safe. */
export const tokenVaultConfigSchema = base.superRefine(refuseUnsafe);

export type TokenVaultConfig = Base;

/** The file that a lone token vault is started with. */
export const tokenVaultFileSchema = base
  .extend({
    management: listenAddress('127.0.0.1', 9082, 'Where /health, /ready and /metrics are served.'),
    platform: platformSchema,
  })
  .superRefine(refuseUnsafe);
