import { generateKeyPairSync, randomBytes, verify } from 'node:crypto';
import {
  startStandIn,
  strictBase64,
  VersionedKey,
  type StandInAnswer,
  type StandInRequest,
  type StandInServer,
} from './stand-in.fixture.js';

/**
 * A stand-in for Google Cloud KMS, Google's token endpoint and the metadata server, written from their references; not the services.
 * It checks assertions with code of its own, tokens, and additional authenticated data.
 */
export interface GcpStandIn {
  readonly server: StandInServer;
  readonly key: VersionedKey;
  readonly tokens: Set<string>;
  /** Content of a service account's key file. */
  readonly serviceAccount: Record<string, string>;
}

export const GCP_KEY = 'projects/p/locations/europe-west3/keyRings/r/cryptoKeys/switchyard';
const refusal = (status: number, message: string): StandInAnswer => ({ status, body: { error: { code: status, message } } });

interface Assertion {
  readonly header: Record<string, unknown>;
  readonly claims: Record<string, unknown>;
  readonly genuine: boolean;
}

function readAssertion(jwt: string, publicKey: string): Assertion | undefined {
  const [header, claims, signature] = jwt.split('.');
  if (header === undefined || claims === undefined || signature === undefined) return undefined;
  const parse = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>;
  const genuine = verify('sha256', Buffer.from(`${header}.${claims}`), publicKey, Buffer.from(signature, 'base64url'));
  return { header: parse(header), claims: parse(claims), genuine };
}

function operate(key: VersionedKey, path: string, body: string): StandInAnswer {
  const fields = JSON.parse(body) as Record<string, unknown>;
  const aad = strictBase64(fields['additionalAuthenticatedData'] ?? '');
  if (aad === undefined) return refusal(400, 'INVALID_ARGUMENT');
  if (path === `/v1/${GCP_KEY}:encrypt`) {
    const plaintext = strictBase64(fields['plaintext']);
    if (plaintext === undefined) return refusal(400, 'INVALID_ARGUMENT');
    const { version, bytes } = key.encrypt(plaintext, aad);
    const ciphertext = Buffer.concat([Buffer.from([version]), bytes]).toString('base64');
    return { status: 200, body: { name: `${GCP_KEY}/cryptoKeyVersions/${version}`, ciphertext } };
  }
  if (path !== `/v1/${GCP_KEY}:decrypt`) return refusal(404, 'NOT_FOUND');
  const bytes = strictBase64(fields['ciphertext']);
  const plaintext = bytes && key.decrypt(bytes[0] ?? 0, bytes.subarray(1), aad);
  if (plaintext === undefined) return refusal(400, 'Decryption failed: the ciphertext is invalid.');
  return { status: 200, body: { plaintext: plaintext.toString('base64') } };
}

/** Starts one with one key and one service account. */
export async function startGcp(clock: { now(): number }): Promise<GcpStandIn> {
  const key = new VersionedKey();
  const tokens = new Set<string>();
  const pair = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const give = (): StandInAnswer => {
    const token = `ya29.${randomBytes(12).toString('hex')}`;
    tokens.add(token);
    return { status: 200, body: { access_token: token, expires_in: 3599, token_type: 'Bearer' } };
  };
  const tokenEndpoint = (body: string): StandInAnswer => {
    const form = new URLSearchParams(body);
    if (form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:jwt-bearer') return refusal(400, 'unsupported_grant_type');
    const { header, claims, genuine } = readAssertion(form.get('assertion') ?? '', pair.publicKey) ?? { genuine: false };
    const now = clock.now() / 1000;
    const good =
      genuine &&
      header?.['alg'] === 'RS256' &&
      header['kid'] === 'key-1' &&
      claims?.['iss'] === 'vault@p.iam.gserviceaccount.com' &&
      claims['aud'] === `${server.url}/token` &&
      claims['scope'] === 'https://www.googleapis.com/auth/cloudkms' &&
      Math.abs(Number(claims['iat']) - now) <= 1 &&
      Number(claims['exp']) - Number(claims['iat']) <= 3600;
    return good ? give() : refusal(400, 'invalid_grant');
  };
  const answer = ({ path, headers, body }: StandInRequest): StandInAnswer => {
    if (path === '/token') return tokenEndpoint(body);
    if (path === '/computeMetadata/v1/instance/service-accounts/default/token') {
      return headers['metadata-flavor'] === 'Google' ? give() : refusal(403, 'missing Metadata-Flavor');
    }
    if (!tokens.has(String(headers.authorization).replace(/^Bearer /, ''))) return refusal(401, 'UNAUTHENTICATED');
    return operate(key, path, body);
  };
  const server = await startStandIn(answer);
  const serviceAccount = {
    type: 'service_account',
    client_email: 'vault@p.iam.gserviceaccount.com',
    private_key_id: 'key-1',
    private_key: pair.privateKey,
    token_uri: `${server.url}/token`,
  };
  return { server, key, tokens, serviceAccount };
}
