import { Expiring, type Granted } from '@switchyard/runtime';
import { readFile } from 'node:fs/promises';

/** What a request is signed with. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** Where credentials come from: one of these. */
export interface AwsCredentialsConfig {
  /** Fixed keys. */
  readonly accessKey?: AwsCredentials | undefined;
  /** A role by web identity: IAM roles for service accounts. */
  readonly webIdentity?:
    { readonly roleArn: string; readonly tokenFile: string; readonly stsEndpoint?: string | undefined } | undefined;
  /** Keys of the container: EKS Pod Identity, ECS. */
  readonly container?: { readonly url: string; readonly tokenFile?: string | undefined } | undefined;
}

/** What asking for credentials needs. */
export interface AwsSurroundings {
  readonly fetch: typeof globalThis.fetch;
  /** Longest wait for a whole answer. */
  readonly timeoutMs: number;
  readonly clock: { now(): number };
  /** What a role's session is called in CloudTrail. */
  readonly sessionName: string;
}

/** There are no credentials at the moment. Its message is safe to show. */
export class AwsUnavailable extends Error {
  override readonly name = 'AwsUnavailable';
}

const STS = 'the AWS Security Token Service';
const CONTAINER = 'the AWS container credentials endpoint';
const ANSWER_LIMIT = 256 * 1024;

/** The credentials that the configuration names. `get` throws AwsUnavailable. */
export function awsCredentials(
  { accessKey, webIdentity, container }: AwsCredentialsConfig,
  region: string,
  surroundings: AwsSurroundings,
): Expiring<AwsCredentials> {
  return new Expiring(surroundings.clock, async () => {
    if (accessKey !== undefined) return { value: accessKey, lifetimeMs: Infinity };
    if (webIdentity !== undefined) return assumeRole(webIdentity, region, surroundings);
    if (container !== undefined) return askContainer(container, surroundings);
    throw new AwsUnavailable('no credentials for AWS are configured');
  });
}

/** AssumeRoleWithWebIdentity: the pod's own token for the role's keys; the request itself is not signed. */
async function assumeRole(
  { roleArn, tokenFile, stsEndpoint }: NonNullable<AwsCredentialsConfig['webIdentity']>,
  region: string,
  surroundings: AwsSurroundings,
): Promise<Granted<AwsCredentials>> {
  const parameters = new URLSearchParams({
    Action: 'AssumeRoleWithWebIdentity',
    Version: '2011-06-15',
    RoleArn: roleArn,
    RoleSessionName: surroundings.sessionName,
    WebIdentityToken: await readToken(tokenFile),
  });
  const { status, text } = await ask(STS, surroundings, stsEndpoint ?? `https://sts.${region}.amazonaws.com/`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
    body: parameters.toString(),
  });
  if (status !== 200) throw new AwsUnavailable(`${STS} refused role ${roleArn} (${status})`);
  const names = ['AccessKeyId', 'SecretAccessKey', 'SessionToken', 'Expiration'];
  return granted(STS, Object.fromEntries(names.map((name) => [name, elementIn(text, name)])), surroundings.clock.now());
}

async function askContainer(
  { url, tokenFile }: NonNullable<AwsCredentialsConfig['container']>,
  surroundings: AwsSurroundings,
): Promise<Granted<AwsCredentials>> {
  const headers: Record<string, string> = tokenFile === undefined ? {} : { authorization: await readToken(tokenFile) };
  const { status, text } = await ask(CONTAINER, surroundings, url, { method: 'GET', headers });
  if (status !== 200) throw new AwsUnavailable(`${CONTAINER} refused (${status})`);
  return granted(CONTAINER, objectIn(text), surroundings.clock.now());
}

async function readToken(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    throw new AwsUnavailable(`the token file ${file} cannot be read`, { cause });
  }
}

async function ask(peer: string, { fetch, timeoutMs }: AwsSurroundings, url: string, init: RequestInit) {
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(timeoutMs) });
    const text = await response.text();
    if (text.length > ANSWER_LIMIT) throw new Error(`more than ${ANSWER_LIMIT} bytes`);
    return { status: response.status, text };
  } catch (cause) {
    throw new AwsUnavailable(`${peer} did not answer within ${timeoutMs} ms, or cannot be reached`, { cause });
  }
}

function granted(peer: string, fields: Readonly<Record<string, unknown>>, nowMs: number): Granted<AwsCredentials> {
  const value = {
    accessKeyId: textIn(peer, fields['AccessKeyId']),
    secretAccessKey: textIn(peer, fields['SecretAccessKey']),
    sessionToken: textIn(peer, fields['SessionToken'] ?? fields['Token']),
  };
  const endsAtMs = Date.parse(textIn(peer, fields['Expiration']));
  if (Number.isNaN(endsAtMs)) throw new AwsUnavailable(`${peer} gave credentials without an end`);
  return { value, lifetimeMs: Math.max(0, endsAtMs - nowMs) };
}

/** The text of an element without children, as STS answers: it answers XML whatever is asked for. */
function elementIn(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}>([^<&]+)</${name}>`).exec(xml)?.[1];
}

function objectIn(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  } catch {
    return {};
  }
}

function textIn(peer: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new AwsUnavailable(`${peer} gave an answer that is none`);
}
