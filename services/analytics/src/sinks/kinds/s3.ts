import { awsCredentials, AwsUnavailable, signAws, type AwsCredentials } from '@switchyard/aws';
import type { SinkConfigOf } from '@switchyard/gateway-config';
import type { Expiring } from '@switchyard/runtime';
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { answerOutcome } from '../http/answer-outcome.js';
import { post } from '../http/post.js';
import { type Outcome, type Sink, type SinkItem, type SinkParts } from '../sink.js';
import { manifestOf, partsOf, type Part, type StoredObject } from './s3-objects.js';
import { parquetOf } from './s3-parquet.js';

type Settings = SinkConfigOf<'s3'>;

/** One request is what was gathered; how much that is, `objectBytes` says. */
const LIMITS = { items: 1_000_000, bytes: 256 * 1024 ** 2, itemBytes: 1024 ** 2, itemOverheadBytes: 1 };

/** Nothing that S3 refuses is about an event (Amazon S3 API, "Error responses"). Conflicts are with another that writes. */
const OWN_MEANINGS: Readonly<Record<number, Outcome['is']>> = {
  400: 'misconfigured',
  409: 'retry',
  411: 'misconfigured',
  412: 'retry',
  413: 'misconfigured',
  416: 'misconfigured',
  417: 'misconfigured',
  422: 'misconfigured',
};

const compress = promisify(gzip);

const FORMATS = {
  jsonl: {
    ending: '.jsonl.gz',
    contentType: 'application/gzip',
    render: (items: readonly SinkItem[]): Promise<Uint8Array> => compress(items.map(({ text }) => `${text}\n`).join('')),
  },
  parquet: {
    ending: '.parquet',
    contentType: 'application/vnd.apache.parquet',
    render: async (items: readonly SinkItem[]): Promise<Uint8Array> => parquetOf(items),
  },
} as const;

/** Opens a bucket. */
export async function openS3Sink(settings: Settings, parts: SinkParts): Promise<Sink> {
  return new S3Sink(settings, parts);
}

class S3Sink implements Sink {
  readonly limits = LIMITS;
  readonly #settings: Settings;
  readonly #parts: SinkParts;
  readonly #base: string;
  readonly #fixedHeaders: Readonly<Record<string, string>>;
  readonly #credentials: Expiring<AwsCredentials>;

  constructor(settings: Settings, parts: SinkParts) {
    this.#settings = settings;
    this.#parts = parts;
    this.#base = baseUrl(settings);
    this.#fixedHeaders = objectHeaders(settings);
    this.#credentials = credentialsOf(settings, parts);
  }

  async deliver(items: readonly SinkItem[], signal: AbortSignal): Promise<readonly Outcome[]> {
    const stored: StoredObject[] = [];
    let failed: Outcome | undefined;
    for (const part of partsOf(items)) {
      const put = await this.#putPart(part, signal);
      if ('is' in put) {
        failed = put;
        break;
      }
      stored.push(put);
    }
    const outcomes = new Map<SinkItem, Outcome>();
    for (const [hour, objects] of Map.groupBy(stored, ({ part }) => part.hour)) {
      const outcome = await this.#putManifest(hour, objects, signal);
      for (const { part } of objects) for (const item of part.items) outcomes.set(item, outcome);
    }
    return items.map((item) => outcomes.get(item) ?? failed ?? { is: 'retry', reason: 'not_sent' });
  }

  async close(): Promise<void> {
    // Nothing is held.
  }

  async #putPart(part: Part, signal: AbortSignal): Promise<StoredObject | Outcome> {
    const { prefix, format } = this.#settings;
    const { ending, contentType, render } = FORMATS[format];
    const key = `${prefix}${part.name}${ending}`;
    const body = await render(part.items);
    const sha256 = createHash('sha256').update(body).digest();
    const outcome = await this.#put({ key, body, sha256, contentType }, signal);
    return outcome.is === 'delivered' ? { key, part, bytes: body.length, sha256: sha256.toString('hex') } : outcome;
  }

  #putManifest(hour: string, objects: readonly StoredObject[], signal: AbortSignal): Promise<Outcome> {
    const { name, text } = manifestOf(hour, this.#parts.name, objects);
    const body = Buffer.from(text);
    const sha256 = createHash('sha256').update(body).digest();
    return this.#put({ key: this.#settings.prefix + name, body, sha256, contentType: 'application/json' }, signal);
  }

  /** PutObject. S3 compares what it got with the digest. */
  async #put(object: Upload, signal: AbortSignal): Promise<Outcome> {
    const { egress, clock } = this.#parts;
    const { region, timeoutMs } = this.#settings;
    const { key, body, sha256, contentType } = object;
    const credentials = await this.#credentials.get().catch(unlessUnavailable);
    if (credentials === undefined) return { is: 'misconfigured', reason: 's3_no_credentials' };
    const { url, headers } = await signAws({
      method: 'PUT',
      url: this.#base + key.split('/').map(encodeURIComponent).join('/'),
      headers: {
        ...this.#fixedHeaders,
        'content-type': contentType,
        'x-amz-content-sha256': sha256.toString('hex'),
        'x-amz-checksum-sha256': sha256.toString('base64'),
      },
      service: 's3',
      region,
      credentials,
      atMs: clock.now(),
    });
    const answer = await post(egress, { method: 'PUT', url, headers, body, timeoutMs, signal }, clock);
    const outcome = answerOutcome(answer, OWN_MEANINGS);
    const code = /<Code>(\w{1,64})<\/Code>/.exec(answer.text)?.[1];
    return 'reason' in outcome && code !== undefined ? { ...outcome, reason: `s3_${answer.status}_${code}` } : outcome;
  }
}

interface Upload {
  readonly key: string;
  readonly body: Uint8Array;
  readonly sha256: Buffer;
  readonly contentType: string;
}

/** What stands before an object's name. */
function baseUrl({ bucket, region, endpoint, pathStyle = endpoint !== undefined }: Settings): string {
  const url = new URL(endpoint ?? `https://s3.${region}.amazonaws.com`);
  const path = url.pathname.replace(/\/+$/, '');
  return pathStyle ? `${url.origin}${path}/${bucket}/` : `${url.protocol}//${bucket}.${url.host}${path}/`;
}

function objectHeaders({ encryption, kmsKeyId, storageClass }: Settings): Record<string, string> {
  return {
    ...(encryption !== 'bucket' && { 'x-amz-server-side-encryption': encryption }),
    ...(kmsKeyId !== undefined && { 'x-amz-server-side-encryption-aws-kms-key-id': kmsKeyId }),
    ...(storageClass !== undefined && { 'x-amz-storage-class': storageClass }),
  };
}

function credentialsOf({ credentials, region, timeoutMs }: Settings, { egress, clock }: SinkParts): Expiring<AwsCredentials> {
  const { accessKey, ...others } = credentials;
  const surroundings = { fetch: egress.fetch, timeoutMs, clock, sessionName: 'switchyard-sink' };
  if (accessKey === undefined) return awsCredentials(others, region, surroundings);
  const { id, secret, sessionToken } = accessKey;
  const session = sessionToken === undefined ? {} : { sessionToken: sessionToken.trim() };
  const fixed = { accessKeyId: id.trim(), secretAccessKey: secret.trim(), ...session };
  return awsCredentials({ accessKey: fixed }, region, surroundings);
}

function unlessUnavailable(error: unknown): undefined {
  if (!(error instanceof AwsUnavailable)) throw error;
}
