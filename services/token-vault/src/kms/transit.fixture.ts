import { randomBytes } from 'node:crypto';
import {
  startStandIn,
  strictBase64,
  VersionedKey,
  type StandInAnswer,
  type StandInRequest,
  type StandInServer,
} from './stand-in.fixture.js';

/**
 * A stand-in for the Transit engine of OpenBao and Vault, written from its API documentation ("Transit secrets engine (API)",
 * "AppRole auth method (API)", "Kubernetes auth method (API)"); not the engine. It checks tokens, key versions and associated data.
 */
export interface TransitStandIn {
  readonly server: StandInServer;
  readonly key: VersionedKey;
  /** Tokens that are good now; logins add to them. */
  readonly tokens: Set<string>;
  leaseSeconds: number;
}

const refusal = (status: number, ...errors: string[]): StandInAnswer => ({ status, body: { errors } });
const data = (body: object): StandInAnswer => ({ status: 200, body: { data: body } });

type Fields = Record<string, string | undefined>;

function login(standIn: Pick<TransitStandIn, 'tokens' | 'leaseSeconds'>, good: boolean): StandInAnswer {
  if (!good) return refusal(400, 'invalid role or secret ID');
  const token = `hvs.${randomBytes(12).toString('hex')}`;
  standIn.tokens.add(token);
  return { status: 200, body: { auth: { client_token: token, lease_duration: standIn.leaseSeconds, renewable: true } } };
}

function encrypt(key: VersionedKey, fields: Fields): StandInAnswer {
  const [plaintext, aad] = [strictBase64(fields['plaintext']), strictBase64(fields['associated_data'] ?? '')];
  if (plaintext === undefined || aad === undefined) return refusal(400, 'failed to base64-decode');
  const { version, bytes } = key.encrypt(plaintext, aad);
  return data({ ciphertext: `vault:v${version}:${bytes.toString('base64')}`, key_version: version });
}

function decrypt(key: VersionedKey, fields: Fields): StandInAnswer {
  const [, version, text] = /^vault:v(\d+):(.+)$/.exec(fields['ciphertext'] ?? '') ?? [];
  const [bytes, aad] = [strictBase64(text), strictBase64(fields['associated_data'] ?? '')];
  if (bytes === undefined || aad === undefined) return refusal(400, 'invalid ciphertext: no prefix');
  const plaintext = key.decrypt(Number(version), bytes, aad);
  return plaintext === undefined
    ? refusal(400, 'cipher: message authentication failed')
    : data({ plaintext: plaintext.toString('base64') });
}

/** Starts one with the key `switchyard`, the AppRole role `role-1` / `secret-1` and the Kubernetes role `vault` / `pod-jwt`. */
export async function startTransit(): Promise<TransitStandIn> {
  const key = new VersionedKey();
  const answer = ({ method, path, headers, body }: StandInRequest): StandInAnswer => {
    const fields = JSON.parse(body || '{}') as Fields;
    if (method !== 'POST') return refusal(405, 'unsupported operation');
    if (path === '/v1/auth/approle/login') {
      return login(standIn, fields['role_id'] === 'role-1' && fields['secret_id'] === 'secret-1');
    }
    if (path === '/v1/auth/kubernetes/login') return login(standIn, fields['role'] === 'vault' && fields['jwt'] === 'pod-jwt');
    if (!standIn.tokens.has(String(headers['x-vault-token']))) return refusal(403, 'permission denied');
    if (path === '/v1/transit/encrypt/switchyard') return encrypt(key, fields);
    if (path === '/v1/transit/decrypt/switchyard') return decrypt(key, fields);
    return refusal(404, 'no handler for route');
  };
  const server = await startStandIn(answer);
  const standIn: TransitStandIn = { server, key, tokens: new Set(['root']), leaseSeconds: 3600 };
  return standIn;
}
