import { create, fromJson, type JsonValue, toJson } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { openPayload, parsePayload, payloadDigest, type PayloadLine } from '@switchyard/audit';
import {
  BUCKETS,
  CaptureMode,
  DEFAULT_TENANT,
  type EventJson,
  LeasePayloadKeyRequestSchema,
  LeasePayloadKeyResponseSchema,
  PAYLOADS_STREAM,
  principalHash,
  rpcSubject,
  VaultService,
} from '@switchyard/contracts';
import type { Rpc } from '@switchyard/messaging';
import { sealTo } from '@switchyard/oauth';
import { answerResult, eventually, type ScriptedUpstream, startScriptedUpstream, tempDir } from '@switchyard/testing';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { startTestEdge, type TestEdge } from './edge.fixture.js';
import { callOf, exchange, openSession } from './raw-client.fixture.js';

interface Handlers {
  addHandler(pattern: string, handler: (payload: JsonValue) => Promise<JsonValue>): void;
}

/** A vault that leases keys for payloads, for as long as it is told, or refuses. */
function serveKeys(rpc: Rpc) {
  const options = rpc.server();
  if (!('strategy' in options)) throw new Error('this RPC has no server of its own');
  const vault = { asked: 0, lastsMs: 60_000, refuses: '', keys: new Map<string, Buffer>() };
  (options.strategy as unknown as Handlers).addHandler(rpcSubject(VaultService.method.leasePayloadKey), async (payload) => {
    const { recipientJwk } = fromJson(LeasePayloadKeyRequestSchema, payload);
    vault.asked += 1;
    const version = `owner.${vault.asked}`;
    const content = randomBytes(32);
    vault.keys.set(version, content);
    const material = { contentKey: content.toString('base64url'), redactionKey: Buffer.alloc(32, 1).toString('base64url') };
    const sealed = await sealTo(recipientJwk, Buffer.from(JSON.stringify(material)));
    const lease = { sealed, version, expiresAt: timestampFromMs(Date.now() + vault.lastsMs) };
    const result =
      vault.refuses === ''
        ? ({ case: 'lease', value: lease } as const)
        : ({ case: 'refusal', value: { reason: vault.refuses, message: 'No.' } } as const);
    return toJson(LeasePayloadKeyResponseSchema, create(LeasePayloadKeyResponseSchema, { result }));
  });
  options.strategy.listen(() => undefined);
  return vault;
}

const names = { tools: ['*'], prompts: ['*'], resources: ['*'] };
const access = [{ everyone: true }];
const source = { upstream: 'bank', ...names };
const full = { mode: CaptureMode.FULL, limitBytes: 4_096 };
const redacted = { mode: CaptureMode.REDACTED, clear: ['to'], limitBytes: 4_096 };
const rules = [
  { tools: ['b_pay'], capture: redacted },
  { tools: ['b_quiet'], capture: {} },
];

const SERVERS = [
  { slug: 'full', sources: [source], access, capture: full },
  { slug: 'strict', sources: [source], access, capture: full, auditStrict: true },
  { slug: 'rules', sources: [{ ...source, prefix: 'b_' }], access, capture: full, captureRules: rules },
  { slug: 'usual', sources: [source], access },
];

describe('capture', () => {
  const undo = new AsyncDisposableStack();
  const payloads: PayloadLine[] = [];
  let upstream: ScriptedUpstream;
  let edge: TestEdge;
  let spoolDir: string;
  let vault: ReturnType<typeof serveKeys> | undefined;

  async function start(): Promise<void> {
    spoolDir = path.join(undo.use(await tempDir()).path, 'spool');
    edge = undo.use(await startTestEdge({ spoolDir }));
    vault = undefined;
    await edge.bus.consume({
      stream: PAYLOADS_STREAM,
      durable: 'test',
      batchMessages: 100,
      batchBytes: 1024 ** 2,
      batchWaitMs: 5,
      handle: async (messages) => {
        const lines = messages.flatMap(({ data }) => Buffer.from(data).toString().split('\n'));
        payloads.push(...lines.flatMap((line) => (line === '' ? [] : [parsePayload(line)!])));
      },
      onError: () => undefined,
    });
    const transport = { case: 'http', value: { url: upstream.url } } as const;
    await edge.publish({ upstreams: [{ name: 'bank', transport, timeoutMs: 20_000 }], servers: SERVERS });
  }

  beforeAll(async () => {
    upstream = undo.use(await startScriptedUpstream({ name: 'bank', tools: ['pay', 'quiet'] }));
    upstream.on('tools/call', (call) => answerResult(call, { content: [{ type: 'text', text: 'done' }] }));
    upstream.on('prompts/get', (call) => answerResult(call, { messages: [] }));
    upstream.on('completion/complete', (call) => answerResult(call, { completion: { values: ['bee'] } }));
    upstream.on('resources/read', (call) => answerResult(call, { contents: [{ uri: 'x://a', text: 'page' }] }));
  });
  beforeEach(start);
  afterAll(() => undo.disposeAsync());

  const call = (tool = 'pay', args: object = { to: 'ann', amount: 12 }) => callOf(tool, args);

  /** Sends a message. @returns the answer, and its event */
  async function send(slug: string, body: object = call()) {
    const at = slug === '' ? '/mcp' : `/mcp/${slug}`;
    const session = await openSession(edge.url, at, edge.key);
    const answer = await exchange(edge.url, { path: at, key: edge.key, session, body });
    const request = answer.headers['x-request-id'];
    const event = await edge.event(
      ({ request_id, type }) => request_id === request && type !== 'proxy.hop' && type !== 'tool.intended',
    );
    return { ...answer, event };
  }

  /** What the event refers to, as an auditor gets it. */
  async function payloadOf({ detail }: EventJson): Promise<unknown> {
    const line = await eventually(() => payloads.find(({ payload_id }) => payload_id === detail?.payload) ?? false);
    const sealed = Buffer.from(line.ciphertext, 'base64');
    expect(payloadDigest(sealed)).toBe(detail?.payload_sha256);
    const binding = { tenant: DEFAULT_TENANT, payloadId: line.payload_id, keyId: line.key_id };
    return JSON.parse(String(openPayload(vault!.keys.get(line.key_id)!, binding, sealed))) as unknown;
  }

  const digest = (type: string) => expect.stringMatching(new RegExp(`^${type}:.{22}$`)) as string;
  const result = { content: [{ type: 'text', text: 'done' }] };
  const params = { to: 'ann', amount: 12 };
  const shaped = { to: 'ann', amount: digest('number') };
  const shapedResult = { content: [{ type: digest('string'), text: digest('string') }] };

  it.each([
    { id: 'tool', slug: 'full', body: call(), mode: 'full', payload: { arguments: params, result } },
    { id: 'tool-of-a-strict-server', slug: 'strict', body: call(), mode: 'full', payload: { arguments: params, result } },
    {
      id: 'by-a-rule',
      slug: 'rules',
      body: call('b_pay'),
      mode: 'redacted',
      payload: { arguments: shaped, result: shapedResult },
    },
    {
      id: 'through-the-joined-server',
      slug: '',
      body: call('rules__b_pay'),
      mode: 'redacted',
      payload: { arguments: shaped, result: shapedResult },
    },
    {
      id: 'prompt',
      slug: 'full',
      body: { jsonrpc: '2.0', id: 1, method: 'prompts/get', params: { name: 'p', arguments: { a: 'b' } } },
      mode: 'full',
      payload: { arguments: { a: 'b' }, result: { messages: [] } },
    },
    {
      id: 'completion',
      slug: 'full',
      body: {
        jsonrpc: '2.0',
        id: 1,
        method: 'completion/complete',
        params: { ref: { type: 'ref/prompt', name: 'p' }, argument: { name: 'a', value: 'b' } },
      },
      mode: 'full',
      payload: { arguments: { name: 'a', value: 'b' }, result: { completion: { values: ['bee'] } } },
    },
    {
      id: 'resource',
      slug: 'full',
      body: { jsonrpc: '2.0', id: 1, method: 'resources/read', params: { uri: 'x://a' } },
      mode: 'full',
      payload: { result: { contents: [{ uri: 'x://a', text: 'page' }] } },
    },
  ])('$id: is kept, and its event vouches for it', async ({ slug, body, mode, payload }) => {
    vault = serveKeys(edge.rpc);
    const { status, event } = await send(slug, body);
    expect([status, event.detail]).toEqual([200, expect.objectContaining({ capture: mode })]);
    expect(await payloadOf(event)).toEqual({ mode, ...payload });
    expect(JSON.stringify(edge.events)).not.toContain('"done"');
    expect(edge.logged()).not.toContain(event.detail?.payload);
  });

  it.each([
    { id: 'of another server', slug: 'usual', tool: 'pay' },
    { id: 'that a rule leaves out', slug: 'rules', tool: 'b_quiet' },
  ])('nothing is kept of a call $id, and nobody is asked for a key', async ({ slug, tool }) => {
    vault = serveKeys(edge.rpc);
    const { event } = await send(slug, call(tool));
    expect([event.outcome, event.detail, vault.asked]).toEqual(['ok', undefined, 0]);
  });

  it('one key serves all calls of a principal', async () => {
    vault = serveKeys(edge.rpc);
    const sent = await Promise.all([send('full'), send('full'), send('full')]);
    expect([vault.asked, sent.map(({ event }) => event.detail?.['capture'])]).toEqual([1, ['full', 'full', 'full']]);
  });

  it('D10: another key follows at once where the vault says that it is erased', async () => {
    vault = serveKeys(edge.rpc);
    const first = (await send('full')).event;
    const { principal_issuer: issuer = '', principal_subject: subject = '' } = first;
    const erasures = await edge.state.bucket(BUCKETS.payloadErasures, DEFAULT_TENANT);
    await erasures.put(principalHash({ issuer, subject }), Buffer.from(''), { ttlMs: 60_000 });
    const second = await eventually(async () => {
      const { event } = await send('full');
      return vault?.asked === 2 && event;
    });
    const keyOf = async ({ detail }: EventJson) =>
      (await eventually(() => payloads.find(({ payload_id }) => payload_id === detail?.payload) ?? false)).key_id;
    expect([await keyOf(first), await keyOf(second)]).toEqual(['owner.1', 'owner.2']);
  });

  it('another key follows, and nothing is left out meanwhile', async () => {
    vault = serveKeys(edge.rpc);
    vault.lastsMs = 300;
    await eventually(async () => {
      expect((await send('full')).event.detail?.['capture']).toBe('full');
      expect(vault?.asked).toBeGreaterThan(2);
    });
  });

  it('keeps arguments also where the upstream fails', async () => {
    vault = serveKeys(edge.rpc);
    upstream.on('tools/call', ({ response }) => response.destroy());
    const { event } = await send('full');
    upstream.on('tools/call', (one) => answerResult(one, result));
    expect(event).toMatchObject({ outcome: 'error', reason: 'upstream_unavailable' });
    expect(await payloadOf(event)).toEqual({ mode: 'full', arguments: params });
  });

  const calls = () => upstream.received.filter(({ body }) => body.includes('tools/call')).length;

  it.each([
    { id: 'the vault is away', why: 'vault_unavailable', prepare: async () => undefined },
    {
      id: 'the vault refuses',
      why: 'vault_unavailable',
      prepare: async () => void ((vault = serveKeys(edge.rpc)).refuses = 'credential_unavailable'),
    },
    {
      id: 'the keys were destroyed',
      why: 'key_destroyed',
      prepare: async () => void ((vault = serveKeys(edge.rpc)).refuses = 'key_destroyed'),
    },
    {
      id: 'the disk does not take it',
      why: 'spool_full',
      prepare: async () => {
        vault = serveKeys(edge.rpc);
        await writeFile(path.join(spoolDir, 'payloads'), '');
      },
    },
  ])('where $id: strict servers refuse before anything is done, others go on and say so', async ({ why, prepare }) => {
    await prepare();
    const before = calls();
    const strict = await send('strict');
    expect([strict.status, strict.event.reason, calls() - before]).toEqual([503, 'audit_unavailable', 0]);
    expect(strict.event.detail).toEqual({ capture: 'unavailable', capture_failed: why });
    const standard = await send('full');
    expect([standard.status, standard.event.outcome, calls() - before]).toEqual([200, 'ok', 1]);
    expect(standard.event.detail).toEqual({ capture: 'unavailable', capture_failed: why });
    // Whoever is not answered does not ask again for a while.
    expect(vault?.asked ?? 1).toBeLessThanOrEqual(1);
  });
});
