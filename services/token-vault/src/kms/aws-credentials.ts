import { readFile } from 'node:fs/promises';
import { askJson, textIn, type Transport } from './ask-json.js';
import { Expiring, type Granted } from './expiring.js';
import type { AwsKmsConfig } from './kek-schema.js';
import { KmsUnavailable } from './kms.js';

/** What a request is signed with. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

const STS = 'the AWS Security Token Service';
const CONTAINER = 'the AWS container credentials endpoint';

async function readToken(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    throw new KmsUnavailable(`the token file ${file} cannot be read`, { cause });
  }
}

/** The text of an element without children, as STS answers: it answers XML whatever is asked for. */
function elementIn(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}>([^<&]+)</${name}>`).exec(xml)?.[1];
}

function granted(peer: string, fields: Readonly<Record<string, unknown>>, nowMs: number): Granted<AwsCredentials> {
  const value = {
    accessKeyId: textIn(peer, fields['AccessKeyId']),
    secretAccessKey: textIn(peer, fields['SecretAccessKey']),
    sessionToken: textIn(peer, fields['SessionToken'] ?? fields['Token']),
  };
  const endsAtMs = Date.parse(textIn(peer, fields['Expiration']));
  if (Number.isNaN(endsAtMs)) throw new KmsUnavailable(`${peer} gave credentials without an end`);
  return { value, lifetimeMs: Math.max(0, endsAtMs - nowMs) };
}

/** AssumeRoleWithWebIdentity: the pod's own token for the role's keys; the request itself is not signed. */
async function assumeRole(
  { region, credentials }: AwsKmsConfig,
  transport: Transport,
  clock: { now(): number },
): Promise<Granted<AwsCredentials>> {
  const { roleArn, tokenFile, stsEndpoint } = credentials.webIdentity ?? {};
  const parameters = new URLSearchParams({
    Action: 'AssumeRoleWithWebIdentity',
    Version: '2011-06-15',
    RoleArn: roleArn ?? '',
    RoleSessionName: 'switchyard-token-vault',
    WebIdentityToken: await readToken(tokenFile ?? ''),
  });
  const answer = await askJson(transport, {
    peer: STS,
    url: stsEndpoint ?? `https://sts.${region}.amazonaws.com/`,
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
    body: parameters.toString(),
  });
  if (answer.status !== 200) throw new KmsUnavailable(`${STS} refused role ${roleArn} (${answer.status})`);
  const names = ['AccessKeyId', 'SecretAccessKey', 'SessionToken', 'Expiration'];
  return granted(STS, Object.fromEntries(names.map((name) => [name, elementIn(answer.text, name)])), clock.now());
}

async function askContainer(
  { credentials }: AwsKmsConfig,
  transport: Transport,
  clock: { now(): number },
): Promise<Granted<AwsCredentials>> {
  const { url = '', tokenFile } = credentials.container ?? {};
  const headers: Record<string, string> = tokenFile === undefined ? {} : { authorization: await readToken(tokenFile) };
  const { status, body } = await askJson(transport, { peer: CONTAINER, url, method: 'GET', headers });
  if (status !== 200) throw new KmsUnavailable(`${CONTAINER} refused (${status})`);
  return granted(CONTAINER, body, clock.now());
}

/** The credentials that the configuration names: fixed ones, a role by web identity, or those of the container. */
export function awsCredentials(config: AwsKmsConfig, transport: Transport, clock: { now(): number }): Expiring<AwsCredentials> {
  return new Expiring(clock, () => {
    const { accessKey, webIdentity } = config.credentials;
    if (accessKey !== undefined) {
      const { id, secret, sessionToken } = accessKey;
      const session = sessionToken === undefined ? {} : { sessionToken: sessionToken.reveal() };
      return Promise.resolve({
        value: { accessKeyId: id, secretAccessKey: secret.reveal(), ...session },
        lifetimeMs: Infinity,
      });
    }
    return webIdentity === undefined ? askContainer(config, transport, clock) : assumeRole(config, transport, clock);
  });
}
