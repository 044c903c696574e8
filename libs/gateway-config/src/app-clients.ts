import { judgeRedirectUri } from '@switchyard/oauth';
import { z } from 'zod';
import { certificateKeys, refuseCertificate } from './client-certificates.js';
import { CLIENT_ID, refuseClientSecret, refuseOwnReference } from './service-clients.js';

const redirectUri = z.string().superRefine((text, context) => {
  const judged = judgeRedirectUri(text);
  if ('problem' in judged) context.addIssue(`${judged.problem}. Correct it.`);
});

const clientSecret = z.string().superRefine((text, context) => {
  const message = refuseClientSecret(text);
  if (message !== undefined) context.addIssue(message);
});

const PRIVATE = ['d', 'k', 'p', 'q'];

const jwks = z.strictObject({
  keys: z
    .array(z.record(z.string(), z.unknown()))
    .min(1)
    .refine((keys) => !keys.some((key) => PRIVATE.some((name) => name in key)), {
      message: 'hold a private or shared key, which only the app should have. Give its public keys.',
    })
    .describe('Public keys, as JWKs.'),
});

const CREDENTIALS = ['clientSecret', 'jwks', 'certificate', 'certificateSubject'] as const;

const entry = z
  .strictObject({
    title: z.string().min(1).max(200).optional().describe('What people are asked about it by. Unless given: its id.'),
    redirectUris: z
      .array(redirectUri)
      .min(1, 'is empty, so nobody could sign in with it. Add the address that the app names.')
      .max(20)
      .describe(
        'Where answers may go: https, http on a loopback address (any port), or a scheme of the app’s own. Compared character by character.',
      ),
    clientSecret: clientSecret
      .optional()
      .describe(
        'Secret of the app, of at least 32 characters, as a reference: `${secret:NAME}`, or `${env:NAME}` or `${file:PATH}`, which the authorization server resolves. Apps on people’s devices have none.',
      ),
    jwks: jwks.optional().describe('Instead of a secret: the app’s public keys as a JWK Set (private_key_jwt).'),
    ...certificateKeys,
  })
  .superRefine((app, context) => {
    const [first, second] = CREDENTIALS.filter((key) => app[key] !== undefined);
    if (second !== undefined)
      context.addIssue({ code: 'custom', path: [second], message: `cannot stand beside ${first}. Keep one of them.` });
    const { certificate } = app;
    const message = certificate === undefined ? undefined : (refuseCertificate(certificate) ?? refuseOwnReference(certificate));
    if (message !== undefined) context.addIssue({ code: 'custom', path: ['certificate'], message });
  });

const clientId = z
  .string()
  .regex(
    CLIENT_ID,
    'must be 1 to 64 letters, digits, ".", "_" and "-", and must not begin with "usr_" or "switchyard-". Rename it.',
  );

/** An app that people sign in with, which need not register itself. Its secret is still a reference. */
export interface AppClientConfig extends z.output<typeof entry> {
  readonly clientId: string;
}

/** Apps, by client id. */
export const appClients = z
  .record(clientId, entry)
  .default({})
  .transform((apps): readonly AppClientConfig[] => Object.entries(apps).map(([id, app]) => ({ ...app, clientId: id })))
  .describe(
    'Apps that people sign in with, by client id, which need not register themselves. One that is taken away is unknown at once, and what it was given ends.',
  );
