import { parquetReadObjects } from 'hyparquet';
import { createHash, createHmac } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import type { FakeProduct } from './fake-product.fixture.js';
import { startReceiver, type Received, type Reply } from './http-receiver.fixture.js';

const ACCOUNT = { id: 'AKIDEXAMPLE', secret: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const BUCKET = 'audit-bucket';
const REGION = 'eu-central-1';

/** An object as it is stored. */
export interface StoredS3Object {
  readonly bytes: Buffer;
  readonly headers: Received['headers'];
  readonly ids: readonly string[];
}

/** What is in a manifest. */
export interface Manifest {
  readonly events: number;
  readonly objects: readonly { readonly key: string; readonly bytes: number; readonly sha256: string; readonly events: number }[];
}

/** A bucket. */
export interface FakeS3 extends FakeProduct {
  /** By key, in the order in which they came first. */
  readonly objects: Map<string, StoredS3Object>;
  readonly manifests: () => readonly Manifest[];
}

const hmac = (key: Buffer | string, text: string) => createHmac('sha256', key).update(text).digest();
const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest();
const refusal = (status: number, code: string): Reply => ({
  status,
  headers: { 'content-type': 'application/xml' },
  body: Buffer.from(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message></Error>`),
});

/** Signature Version 4 as Amazon S3 describes it ("Authenticating Requests: Using the Authorization Header"). */
function isSigned({ method, path, headers }: Received): boolean {
  const pattern = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/([^,]+), SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/;
  const [, id, scope = '', names = '', signature] = pattern.exec(String(headers.authorization)) ?? [];
  const date = String(headers['x-amz-date']);
  if (id !== ACCOUNT.id || scope !== `${date.slice(0, 8)}/${REGION}/s3/aws4_request`) return false;
  const lines = names.split(';').map((name) => `${name}:${String(headers[name]).trim()}\n`);
  const canonical = [method, path, '', lines.join(''), names, String(headers['x-amz-content-sha256'])].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', date, scope, sha256(canonical).toString('hex')].join('\n');
  const key = scope.split('/').reduce<Buffer | string>((derived, part) => hmac(derived, part), `AWS4${ACCOUNT.secret}`);
  return hmac(key, toSign).toString('hex') === signature;
}

async function idsIn(key: string, bytes: Buffer): Promise<string[]> {
  if (key.includes('_manifests/')) return [];
  if (key.endsWith('.parquet')) {
    const file = new Uint8Array(bytes).buffer;
    return (await parquetReadObjects({ file, columns: ['event_id'] })).map((row) => String(row['event_id']));
  }
  const lines = gunzipSync(bytes).toString('utf8').split('\n').slice(0, -1);
  return lines.map((line) => (JSON.parse(line) as { event_id: string }).event_id);
}

/** Starts a server with one bucket, which takes objects that are signed and whose digest is right. */
export async function startS3(more: Readonly<Record<string, unknown>> = {}): Promise<FakeS3> {
  const put = async (request: Received): Promise<Reply> => {
    const { path, headers, bytes } = request;
    if (!isSigned(request)) return refusal(403, 'SignatureDoesNotMatch');
    if (headers['x-amz-content-sha256'] !== sha256(bytes).toString('hex')) return refusal(400, 'XAmzContentSHA256Mismatch');
    if (headers['x-amz-checksum-sha256'] !== sha256(bytes).toString('base64')) return refusal(400, 'BadDigest');
    const [, bucket, ...rest] = path.split('/').map(decodeURIComponent);
    if (bucket !== BUCKET) return refusal(404, 'NoSuchBucket');
    const key = rest.join('/');
    fake.objects.set(key, { bytes, headers, ids: await idsIn(key, bytes) });
    return { status: 200, headers: { etag: '"0"' } };
  };
  const receiver = await startReceiver((request) => {
    const fault = fake.fault?.(request);
    if (fault !== undefined) return fault;
    return request.method === 'PUT' ? put(request) : refusal(405, 'MethodNotAllowed');
  });
  const { id } = ACCOUNT;
  const fake: FakeS3 = {
    settings: {
      bucket: BUCKET,
      region: REGION,
      endpoint: receiver.url,
      gatherMs: 100,
      credentials: { accessKey: { id, secret: '${secret:s3}' } },
      ...more,
    },
    secrets: { '/credentials/accessKey/secret': ACCOUNT.secret },
    objects: new Map(),
    manifests: () => {
      const manifests = [...fake.objects].filter(([key]) => key.includes('_manifests/'));
      return manifests.map(([, { bytes }]) => JSON.parse(bytes.toString('utf8')) as Manifest);
    },
    taken: () => [...fake.objects.values()].flatMap(({ ids }) => ids),
    fault: undefined,
    [Symbol.asyncDispose]: () => receiver[Symbol.asyncDispose](),
  };
  return fake;
}
