import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import {
  startStandIn,
  strictBase64,
  VersionedKey,
  type StandInAnswer,
  type StandInRequest,
  type StandInServer,
} from './stand-in.fixture.js';

/**
 * A stand-in for AWS KMS, STS and the container credentials endpoint, written from their API references; not the services. It
 * checks Signature Version 4 with code of its own, the encryption context and the key.
 */
export interface AwsStandIn {
  readonly server: StandInServer;
  readonly key: VersionedKey;
  /** Secret access keys by access key id, with the session token where there must be one. */
  readonly accounts: Map<string, { secret: string; sessionToken?: string }>;
  readonly clock: { now(): number };
}

export const AWS_KEY = 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';
const skewMs = 5 * 60_000;

const hmac = (key: Buffer | string, text: string) => createHmac('sha256', key).update(text).digest();
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const refusal = (status: number, type: string): StandInAnswer => ({ status, body: { __type: type, message: type } });

/** Signature Version 4 as AWS describes it ("Create a signed AWS API request"): what the signature of a request must be. */
export function expectedSignature(
  { method, path, headers, body }: StandInRequest,
  o: { secret: string; scope: string; signedHeaders: string },
): string {
  const lines = o.signedHeaders.split(';').map((name) => `${name}:${String(headers[name]).trim().replace(/ +/g, ' ')}\n`);
  const canonical = [method, path, '', lines.join(''), o.signedHeaders, sha256(body)].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', headers['x-amz-date'], o.scope, sha256(canonical)].join('\n');
  const key = o.scope.split('/').reduce<Buffer | string>((derived, part) => hmac(derived, part), `AWS4${o.secret}`);
  return hmac(key, toSign).toString('hex');
}

/** Why a request is not who it says it is; undefined where it is. */
function signatureProblem(request: StandInRequest, { accounts, clock }: AwsStandIn): StandInAnswer | undefined {
  const pattern = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/([^,]+), SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/;
  const [, id = '', scope = '', signedHeaders = '', signature = ''] = pattern.exec(String(request.headers.authorization)) ?? [];
  const account = accounts.get(id);
  if (account === undefined) return refusal(400, 'UnrecognizedClientException');
  const date = String(request.headers['x-amz-date']);
  const at = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  if (!(Math.abs(at - clock.now()) <= skewMs)) return refusal(400, 'InvalidSignatureException');
  if (scope !== `${date.slice(0, 8)}/eu-central-1/kms/aws4_request`) return refusal(400, 'InvalidSignatureException');
  const must = ['host', 'x-amz-date', 'x-amz-target', ...(account.sessionToken === undefined ? [] : ['x-amz-security-token'])];
  if (!must.every((name) => signedHeaders.split(';').includes(name))) return refusal(400, 'IncompleteSignatureException');
  if (request.headers['x-amz-security-token'] !== account.sessionToken) return refusal(400, 'ExpiredTokenException');
  const expected = expectedSignature(request, { secret: account.secret, scope, signedHeaders });
  return timingSafeEqual(Buffer.from(expected), Buffer.from(signature)) ? undefined : refusal(400, 'InvalidSignatureException');
}

// AWS KMS sorts the pairs itself, so their order does not count.
const contextOf = (context: Record<string, string> = {}) => Buffer.from(JSON.stringify(Object.entries(context).sort()));

function operate(key: VersionedKey, operation: string, text: string): StandInAnswer {
  const fields = JSON.parse(text) as Record<string, string> & { EncryptionContext?: Record<string, string> };
  if (fields['KeyId'] !== AWS_KEY) return refusal(400, 'com.amazonaws.kms#NotFoundException');
  const aad = contextOf(fields.EncryptionContext);
  if (operation === 'TrentService.Encrypt') {
    const plaintext = strictBase64(fields['Plaintext']);
    if (plaintext === undefined) return refusal(400, 'SerializationException');
    const { version, bytes } = key.encrypt(plaintext, aad);
    const blob = Buffer.concat([Buffer.from([version]), bytes]).toString('base64');
    return { status: 200, body: { CiphertextBlob: blob, KeyId: AWS_KEY, EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' } };
  }
  if (operation !== 'TrentService.Decrypt') return refusal(400, 'UnknownOperationException');
  const blob = strictBase64(fields['CiphertextBlob']);
  const plaintext = blob && key.decrypt(blob[0] ?? 0, blob.subarray(1), aad);
  if (plaintext === undefined) return refusal(400, 'InvalidCiphertextException');
  return { status: 200, body: { Plaintext: plaintext.toString('base64'), KeyId: AWS_KEY } };
}

const temporary = { AccessKeyId: 'ASIATEMPORARY', SecretAccessKey: 'temporary-secret' };

function assumeRole(standIn: AwsStandIn, body: string): StandInAnswer {
  const form = new URLSearchParams(body);
  const good = form.get('Action') === 'AssumeRoleWithWebIdentity' && form.get('WebIdentityToken') === 'pod-jwt';
  if (!good || form.get('RoleArn') !== 'arn:aws:iam::111122223333:role/vault') return refusal(403, 'AccessDenied');
  const sessionToken = `session-${standIn.server.requests.length}`;
  standIn.accounts.set(temporary.AccessKeyId, { secret: temporary.SecretAccessKey, sessionToken });
  const fields = {
    ...temporary,
    SessionToken: sessionToken,
    Expiration: new Date(standIn.clock.now() + 3_600_000).toISOString(),
  };
  const xml = Object.entries(fields).map(([name, value]) => `      <${name}>${value}</${name}>\n`);
  const opening = '<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">';
  return {
    status: 200,
    body: `${opening}\n  <AssumeRoleWithWebIdentityResult>\n    <Credentials>\n${xml.join('')}    </Credentials>\n  </AssumeRoleWithWebIdentityResult>\n</AssumeRoleWithWebIdentityResponse>\n`,
  };
}

function giveContainer(standIn: AwsStandIn, authorization: string | undefined): StandInAnswer {
  if (authorization !== 'pod-jwt') return refusal(401, 'AccessDenied');
  const Token = `session-${standIn.server.requests.length}`;
  standIn.accounts.set(temporary.AccessKeyId, { secret: temporary.SecretAccessKey, sessionToken: Token });
  return { status: 200, body: { ...temporary, Token, Expiration: new Date(standIn.clock.now() + 3_600_000).toISOString() } };
}

/** Starts one with one key and one account, `AKIDEXAMPLE`. */
export async function startAws(clock: { now(): number }): Promise<AwsStandIn> {
  const key = new VersionedKey();
  const server = await startStandIn((request) => {
    if (request.path === '/sts') return assumeRole(standIn, request.body);
    if (request.path === '/container') return giveContainer(standIn, request.headers.authorization);
    return signatureProblem(request, standIn) ?? operate(key, String(request.headers['x-amz-target']), request.body);
  });
  const accounts = new Map([['AKIDEXAMPLE', { secret: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }]]);
  const standIn: AwsStandIn = { server, key, clock, accounts };
  return standIn;
}
