import { Expiring } from '@switchyard/runtime';
import { readFile } from 'node:fs/promises';
import { askJson, mapIn, textIn, type Transport } from './ask-json.js';
import type { TransitConfig } from './kek-schema.js';
import { KmsUnavailable } from './kms.js';

/** What messages call it. */
export const TRANSIT = 'the Transit engine';

/** Headers that every request has. */
export function transitHeaders({ namespace }: TransitConfig): Record<string, string> {
  return {
    'content-type': 'application/json',
    'x-vault-request': 'true',
    ...(namespace === undefined ? {} : { 'x-vault-namespace': namespace }),
  };
}

async function readTokenFile(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    throw new KmsUnavailable(`the token file ${file} cannot be read`, { cause });
  }
}

type Login = { readonly mount: string; readonly body: Record<string, string> };

async function loginOf(auth: TransitConfig['auth']): Promise<Login> {
  if (auth.appRole !== undefined) {
    const { mount, roleId, secretId } = auth.appRole;
    return { mount, body: { role_id: roleId, secret_id: secretId.reveal() } };
  }
  if (auth.kubernetes !== undefined) {
    // Read at every login: Kubernetes renews the file.
    const { mount, role, tokenFile } = auth.kubernetes;
    return { mount, body: { role, jwt: await readTokenFile(tokenFile) } };
  }
  throw new Error('a configuration without a way to log in passed its schema');
}

/** The client token, as it is configured or as a login gives it; logged in anew before it ends. */
export function transitToken(config: TransitConfig, transport: Transport, clock: { now(): number }): Expiring<string> {
  return new Expiring(clock, async () => {
    const { token } = config.auth;
    if (token !== undefined) return { value: token.reveal(), lifetimeMs: Infinity };
    const { mount, body } = await loginOf(config.auth);
    const url = `${config.address}/v1/auth/${mount}/login`;
    const headers = transitHeaders(config);
    const answer = await askJson(transport, { peer: TRANSIT, url, method: 'POST', headers, body: JSON.stringify(body) });
    if (answer.status !== 200) throw new KmsUnavailable(`${TRANSIT} refused the login at auth/${mount} (${answer.status})`);
    const { client_token: value, lease_duration: seconds } = mapIn(answer.body['auth']);
    // A token without an end says 0.
    const lifetimeMs = typeof seconds === 'number' && seconds > 0 ? seconds * 1000 : Infinity;
    return { value: textIn(TRANSIT, value), lifetimeMs };
  });
}
