import { z } from 'zod';
import { certificateKeys, refuseCertificate } from './client-certificates.js';
import { isLoopbackHost } from './loopback.js';
import { holdsReference, refuseMixedReferences, unknownReferences } from './secret-reference.js';
import type { PlacedProblem } from './placed-problem.js';

/** How to write what the authorization server resolves. */
const WRITE_REFERENCE = 'Write ${env:NAME} or ${file:PATH}';
/** How to write a secret. */
const WRITE_SECRET = 'Write ${env:NAME}, ${file:PATH} or ${secret:NAME}';

/** Client ids that can be mistaken for nobody else: no URLs (those are metadata documents), none of the ids that people have. */
export const CLIENT_ID = /^(?!usr_|switchyard-)[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

const entry = z.strictObject({
  clientId: z
    .string()
    .regex(
      CLIENT_ID,
      'must be 1 to 64 letters, digits, ".", "_" and "-", and must not begin with "usr_" or "switchyard-". Change it.',
    )
    .optional()
    .describe('What the service calls itself at the token endpoint; events name it so. Unless given: the name of the entry.'),
  publicKey: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Public key (PEM, SPKI; P-256, Ed25519, or RSA of at least 2048 bits) that the service’s assertions are checked with (private_key_jwt): the key itself, or a reference to it.',
    ),
  jwks: z
    .strictObject({ keys: z.array(z.record(z.string(), z.unknown())).min(1).describe('Public keys, as JWKs.') })
    .optional()
    .describe('Instead of it: several public keys, as a JWK Set.'),
  jwksUri: z
    .string()
    .optional()
    .describe('Instead of it: where the service publishes its public keys, as a JWK Set. https; http on a loopback host.'),
  clientSecret: z
    .string()
    .optional()
    .describe(
      'Instead of a key: a secret (client_secret_basic) of at least 32 characters, as a reference: `${secret:NAME}`, or `${env:NAME}` or `${file:PATH}`, which the authorization server resolves when it starts.',
    ),
  ...certificateKeys,
  servers: z
    .array(z.string())
    .min(1, 'is empty, so the service could not get a token for anything. Name servers, or "*" for all.')
    .describe('Slugs of the servers that it may get tokens for; `*`: all of them, and `/mcp`.'),
  teams: z.array(z.string()).default([]).describe('Teams that it is a member of: access rules for them are for it too.'),
});

/** A service as people write it, with defaults. */
type ParsedService = z.output<typeof entry>;

/** A service that gets tokens for itself (RFC 6749 §4.4). Its secret is still a reference. */
export interface ServiceClientConfig extends Omit<ParsedService, 'clientId'> {
  readonly name: string;
  readonly clientId: string;
}

const serviceName = z
  .string()
  .regex(
    CLIENT_ID,
    'must be 1 to 64 letters, digits, ".", "_" and "-", and must not begin with "usr_" or "switchyard-". Rename it.',
  );

/** Services, by name. */
export const serviceClients = z
  .record(serviceName, entry)
  .default({})
  .superRefine((services, context) => {
    for (const { path, message } of findServiceProblems(services)) context.addIssue({ code: 'custom', path, message });
  })
  .transform((services): readonly ServiceClientConfig[] =>
    Object.entries(services).map(([name, service]) => ({ ...service, name, clientId: service.clientId ?? name })),
  )
  .describe('Programs that call servers in their own name, by name. They get tokens with the client credentials grant.');

function findServiceProblems(services: Readonly<Record<string, ParsedService>>): PlacedProblem[] {
  const names = Object.keys(services);
  const idOf = (name: string) => services[name]?.clientId ?? name;
  const twice = names
    .filter((name, index) => names.findIndex((other) => idOf(other) === idOf(name)) !== index)
    .map((name) => ({ path: [name, 'clientId'], message: `"${idOf(name)}" is another service’s already. Change one of them.` }));
  return [
    ...twice,
    ...Object.entries(services).flatMap(([name, service]) =>
      credentialProblems(service).map(({ path, message }) => ({ path: [name, ...path], message })),
    ),
  ];
}

const CREDENTIALS = ['publicKey', 'jwks', 'jwksUri', 'clientSecret', 'certificate', 'certificateSubject'] as const;

function credentialProblems(service: ParsedService): PlacedProblem[] {
  const given = CREDENTIALS.filter((key) => service[key] !== undefined);
  const [first, second] = given;
  if (first === undefined)
    return [
      { path: [], message: 'needs publicKey, jwks, jwksUri, clientSecret, certificate or certificateSubject. Add one of them.' },
    ];
  if (second !== undefined) return [{ path: [second], message: `cannot stand beside ${first}. Keep one of them.` }];
  const message = REFUSE[first](service);
  return message === undefined ? [] : [{ path: [first], message }];
}

const REFUSE: Readonly<Record<(typeof CREDENTIALS)[number], (service: ParsedService) => string | undefined>> = {
  publicKey: ({ publicKey = '' }) => {
    if (publicKey.includes('PRIVATE KEY')) return 'is a private key, which only the service should have. Give its public key.';
    if (holdsReference(publicKey)) return refuseOwnReference(publicKey);
    return publicKey.includes('-----BEGIN PUBLIC KEY-----')
      ? undefined
      : 'is not a public key in PEM. Begin with -----BEGIN PUBLIC KEY-----, or refer to a file with ${file:PATH}.';
  },
  jwks: ({ jwks }) =>
    jwks?.keys.some((key) => 'd' in key || 'k' in key)
      ? 'holds a private or shared key, which only the service should have. Give its public keys.'
      : undefined,
  jwksUri: ({ jwksUri = '' }) => {
    const url = URL.parse(jwksUri);
    const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopbackHost(url.hostname));
    return isSafe && url.hash === '' && url.username === '' ? undefined : 'must be an https URL without a fragment or user.';
  },
  clientSecret: ({ clientSecret = '' }) => refuseClientSecret(clientSecret),
  certificate: ({ certificate = '' }) => refuseCertificate(certificate) ?? refuseOwnReference(certificate),
  certificateSubject: () => undefined,
};

/** Why the secret of a client cannot stand so; undefined when it can. */
export function refuseClientSecret(text: string): string | undefined {
  const [unknown] = unknownReferences(text);
  if (unknown !== undefined) return `${unknown} is not a reference. ${WRITE_SECRET}.`;
  return holdsReference(text) ? refuseMixedReferences(text) : `is a secret in clear text. ${WRITE_SECRET} instead.`;
}

/** Why a reference cannot be resolved by the authorization server; undefined when it can. */
export function refuseOwnReference(text: string): string | undefined {
  const [unknown] = unknownReferences(text);
  if (unknown !== undefined) return `${unknown} is not a reference. ${WRITE_REFERENCE}.`;
  if (text.includes('${secret:'))
    return `cannot be a secret of the token vault: it is nothing to be kept secret, and the authorization server reads it itself. ${WRITE_REFERENCE}.`;
  return undefined;
}
