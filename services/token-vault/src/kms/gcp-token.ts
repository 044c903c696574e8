import { Expiring, type Granted } from '@switchyard/runtime';
import { signJwtAssertion } from '@switchyard/oauth';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { askJson, textIn, type Transport } from './ask-json.js';
import type { GcpKmsConfig } from './kek-schema.js';
import { KmsUnavailable } from './kms.js';

const scope = 'https://www.googleapis.com/auth/cloudkms';
const TOKENS = 'the Google token endpoint';
const METADATA = 'the Google metadata server';
const assertionSeconds = 3600;

const serviceAccount = z.object({
  client_email: z.string(),
  private_key_id: z.string(),
  private_key: z.string(),
  token_uri: z.url({ protocol: /^https?$/ }),
});

async function readServiceAccount(file: string): Promise<z.infer<typeof serviceAccount>> {
  try {
    return serviceAccount.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    // Its cause may quote the file, which holds a private key.
    throw new KmsUnavailable(`the service account file ${file} cannot be read, or is none`);
  }
}

function granted(peer: string, { status, body }: Awaited<ReturnType<typeof askJson>>): Granted<string> {
  if (status !== 200) throw new KmsUnavailable(`${peer} gave no token (${status})`);
  const seconds = body['expires_in'];
  if (typeof seconds !== 'number') throw new KmsUnavailable(`${peer} gave a token without an end`);
  return { value: textIn(peer, body['access_token']), lifetimeMs: seconds * 1000 };
}

/** A token for a signed assertion of a service account (RFC 7523 §2.1). */
async function askTokenEndpoint(file: string, transport: Transport, clock: { now(): number }): Promise<Granted<string>> {
  const account = await readServiceAccount(file);
  const issuedAt = Math.floor(clock.now() / 1000);
  const assertion = await signJwtAssertion({
    privateKeyPem: account.private_key,
    keyId: account.private_key_id,
    claims: {
      iss: account.client_email,
      scope,
      aud: account.token_uri,
      iat: issuedAt,
      exp: issuedAt + assertionSeconds,
    },
  });
  const answer = await askJson(transport, {
    peer: TOKENS,
    url: account.token_uri,
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion }).toString(),
  });
  return granted(TOKENS, answer);
}

/** Access tokens for Cloud KMS: of a service account whose key file is configured, or of the machine. */
export function gcpToken({ credentials }: GcpKmsConfig, transport: Transport, clock: { now(): number }): Expiring<string> {
  const { serviceAccountFile, metadataServer } = credentials;
  return new Expiring(clock, async () => {
    if (serviceAccountFile !== undefined) return askTokenEndpoint(serviceAccountFile, transport, clock);
    const url = `${metadataServer ?? ''}/computeMetadata/v1/instance/service-accounts/default/token`;
    const headers = { 'metadata-flavor': 'Google' };
    return granted(METADATA, await askJson(transport, { peer: METADATA, url, method: 'GET', headers }));
  });
}
