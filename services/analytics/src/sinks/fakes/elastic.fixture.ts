import type { FakeProduct } from './fake-product.fixture.js';
import { startReceiver, type Reply } from './http-receiver.fixture.js';

const KEY = 'bXktaWQ6bXkta2V5';

interface Document {
  readonly '@timestamp'?: string;
  readonly event_id: string;
}

/** Starts Elasticsearch: the bulk API into one data stream, with an answer for each document. */
export async function startElastic(): Promise<FakeProduct> {
  const taken: string[] = [];
  const create = (id: string, document: Document, index: number): { status: number; error?: { type: string } } => {
    if (index >= (fake.partial ?? Infinity)) return { status: 429, error: { type: 'es_rejected_execution_exception' } };
    if (document['@timestamp'] === undefined || fake.poison?.(id))
      return { status: 400, error: { type: 'document_parsing_exception' } };
    if (taken.includes(id)) return { status: 409, error: { type: 'version_conflict_engine_exception' } };
    taken.push(id);
    return { status: 201 };
  };
  const bulk = (body: string): Reply => {
    if (Buffer.byteLength(body) > 10_000_000) return { status: 413 };
    const lines = body.split('\n');
    if (lines.pop() !== '') return { status: 400, body: { error: { type: 'illegal_argument_exception' } } };
    const items: unknown[] = [];
    for (let at = 0; at < lines.length; at += 2) {
      const action = JSON.parse(lines[at] ?? '') as { create: { _id: string } };
      items.push({ create: create(action.create._id, JSON.parse(lines[at + 1] ?? '') as Document, items.length) });
    }
    return { status: 200, body: { items } };
  };
  const receiver = await startReceiver((request) => {
    const fault = fake.fault?.(request);
    if (fault !== undefined) return fault;
    if (request.headers.authorization !== `ApiKey ${KEY}`)
      return { status: 401, body: { error: { type: 'security_exception' } } };
    if (request.headers['content-type'] !== 'application/x-ndjson') return { status: 406 };
    return request.path.startsWith('/logs-switchyard.audit-default/_bulk?') ? bulk(request.body) : { status: 404 };
  });
  const fake: FakeProduct = {
    settings: { url: receiver.url, apiKey: '${env:KEY}' },
    secrets: { '/apiKey': KEY },
    taken: () => taken,
    fault: undefined,
    [Symbol.asyncDispose]: () => receiver[Symbol.asyncDispose](),
  };
  return fake;
}
