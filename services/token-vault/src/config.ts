import { listenAddress, platformSchema } from '@switchyard/platform';
import { z } from 'zod';
import { kekSchema } from './kms/kek-schema.js';
import { kekProblems } from './kms/refuse-unsafe-kek.js';

const base = z.strictObject({
  listen: listenAddress('127.0.0.1', 8082, 'Where the edge reaches the HTTP admin API.'),
  // No default: it decides whether a key on the local disk is good enough.
  profile: z
    .enum(['development', 'production'])
    .describe('What the vault may rely on. `production` takes a key management service, no key from a local file.'),
  kek: kekSchema.describe(
    'The key that encrypts the keys that encrypt what is stored: one of `file`, `transit`, `awsKms` and `gcpKms`.',
  ),
  dataKeys: z
    .strictObject({
      cacheSeconds: z
        .int()
        .min(1)
        .max(600)
        .default(600)
        .describe('How long a decrypted data key stays in memory, and an outage of the key service is not noticed by reads.'),
      rotateDays: z
        .int()
        .min(1)
        .max(365)
        .default(7)
        .describe('Age at which a data key is replaced; all records are encrypted anew then.'),
    })
    .prefault({})
    .describe('The keys that encrypt what is stored.'),
  authServer: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe(
      'Where the authorization server is. People are signed in there before they connect their own accounts, and its keys verify who is calling; without it there are no credentials of their own for them.',
    ),
  referenceDirectory: z.string().min(1).default('.').describe('Folder that relative `${file:PATH}` references start from.'),
});

type Base = z.output<typeof base>;

function refuseUnsafe(config: Base, context: z.RefinementCtx<Base>): void {
  for (const { path, message } of kekProblems(config.kek, config.profile)) {
    context.addIssue({ code: 'custom', path: ['kek', ...path], message });
  }
}

/** What the token vault itself needs to know. Refuses combinations that are not safe. */
export const tokenVaultConfigSchema = base.superRefine(refuseUnsafe);

export type TokenVaultConfig = Base;

/** What docker-compose.yml calls services by until somebody says better. */
const DEFAULT_PASSWORD = /^[a-z-]+-development$/;

/** The file that a lone token vault is started with. */
export const tokenVaultFileSchema = base
  .extend({
    management: listenAddress('127.0.0.1', 9082, 'Where /health, /ready and /metrics are served.'),
    platform: platformSchema,
  })
  .superRefine(refuseUnsafe)
  .superRefine(({ profile, platform }, context) => {
    const { password } = platform.nats;
    if (profile !== 'production' || password === undefined || !DEFAULT_PASSWORD.test(password.reveal())) return;
    const message = 'is the one that docker-compose.yml has for development, which everybody knows. Set another.';
    context.addIssue({ code: 'custom', path: ['platform', 'nats', 'password'], message });
  });
