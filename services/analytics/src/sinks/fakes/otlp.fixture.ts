import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { gunzipSync } from 'node:zlib';
import type { FakeProduct } from './fake-product.fixture.js';
import { startReceiver, type Received, type Reply } from './http-receiver.fixture.js';

const TOKEN = 'otlp-token-4711';

/** A receiver of OTLP logs, with what it got. */
export interface FakeOtlp extends FakeProduct {
  /** Answers 200 and says that it did not take so many records of the next requests. */
  readonly rejections: number[];
  /** How often each content type came. */
  readonly contentTypes: Map<string, number>;
}

/** Field numbers of opentelemetry/proto: ExportLogsServiceRequest, ResourceLogs, ScopeLogs, LogRecord. */
const TO_ATTRIBUTES = [1, 2, 2, 6];

/** Every message that a path of field numbers leads to. */
function messagesAt(bytes: Uint8Array, path: readonly number[]): Uint8Array[] {
  const [wanted, ...rest] = path;
  if (wanted === undefined) return [bytes];
  const reader = new BinaryReader(bytes);
  const found: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === wanted && wireType === WireType.LengthDelimited) found.push(...messagesAt(reader.bytes(), rest));
    else reader.skip(wireType, field);
  }
  return found;
}

const textAt = (bytes: Uint8Array, path: readonly number[]) => Buffer.from(messagesAt(bytes, path)[0] ?? []).toString('utf8');

interface JsonRequest {
  readonly resourceLogs: readonly {
    readonly scopeLogs: readonly {
      readonly logRecords: readonly { readonly attributes: readonly { key: string; value: { stringValue?: string } }[] }[];
    }[];
  }[];
}

function idsOf(headers: Received['headers'], body: Buffer): string[] {
  const message = headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
  if (headers['content-type'] === 'application/x-protobuf') {
    // An attribute is a KeyValue: its key is 1, its value 2, of which a string is 1.
    const attributes = messagesAt(message, TO_ATTRIBUTES);
    return attributes.filter((one) => textAt(one, [1]) === 'log.record.uid').map((one) => textAt(one, [2, 1]));
  }
  const { resourceLogs } = JSON.parse(message.toString('utf8')) as JsonRequest;
  const records = resourceLogs.flatMap(({ scopeLogs }) => scopeLogs.flatMap(({ logRecords }) => logRecords));
  return records.flatMap(({ attributes }) =>
    attributes.filter(({ key }) => key === 'log.record.uid').map(({ value }) => value.stringValue ?? ''),
  );
}

/** ExportLogsServiceResponse { partial_success { rejected_log_records } }, in the encoding of the request. */
function partialSuccess(rejected: number, type: string): Reply {
  const bytes = Buffer.from([0x0a, 0x02, 0x08, rejected]);
  const body = type === 'application/json' ? { partialSuccess: { rejectedLogRecords: String(rejected) } } : bytes;
  return { status: 200, headers: { 'content-type': type }, body };
}

/** Starts one with the limit of a collector, 20 MiB a request. */
export async function startOtlp(more: Readonly<Record<string, unknown>> = {}): Promise<FakeOtlp> {
  const taken: string[] = [];
  const receiver = await startReceiver((request) => {
    const fault = fake.fault?.(request);
    if (fault !== undefined) return fault;
    if (request.headers.authorization !== `Bearer ${TOKEN}`) return { status: 401 };
    if (request.path !== '/otlp/v1/logs') return { status: 404 };
    const type = String(request.headers['content-type']);
    fake.contentTypes.set(type, (fake.contentTypes.get(type) ?? 0) + 1);
    if (request.bytes.length > 20 * 1024 ** 2) return { status: 413 };
    const ids = idsOf(request.headers, request.bytes);
    if (ids.some((id) => fake.poison?.(id))) return { status: 400, headers: { 'content-type': type } };
    const rejected = fake.rejections.shift() ?? 0;
    taken.push(...ids.slice(rejected));
    return partialSuccess(rejected, type);
  });
  const fake: FakeOtlp = {
    settings: { url: `${receiver.url}/otlp`, headers: { Authorization: 'Bearer ${env:TOKEN}' }, ...more },
    secrets: { '/headers/Authorization': `Bearer ${TOKEN}\n` },
    taken: () => taken,
    rejections: [],
    contentTypes: new Map(),
    fault: undefined,
    [Symbol.asyncDispose]: () => receiver[Symbol.asyncDispose](),
  };
  return fake;
}
