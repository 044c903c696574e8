import { type EventJson, EVENTS_STREAM } from '@switchyard/contracts';
import { connectNats, NatsBus } from '@switchyard/messaging';
import { eventually, type ModernUpstream, startModernUpstream } from '@switchyard/testing';
import { randomUUID } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { request } from 'node:http';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { startTwoEdges, type TwoEdges } from './targets/two-edges.js';

/** So small that the ten minutes which a large one lasts are seconds here. */
const SPOOL_BYTES = 1024 ** 2;
const CALLERS = 8;
const MODERN = '2026-07-28';
const META = {
  'io.modelcontextprotocol/protocolVersion': MODERN,
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
};

let upstream: ModernUpstream;
let edges: TwoEdges;
/** Ids of calls by how they were answered: `ok`, or the reason of the refusal. */
const answered = new Map<string, string[]>();

beforeAll(async () => {
  upstream = await startModernUpstream({ name: 'work' });
  edges = await startTwoEdges({ work: upstream.url }, { anonymous: true, spoolLimitBytes: SPOOL_BYTES });
}, 300_000);
afterAll(async () => {
  await edges[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

/** Makes one call, as somebody without credentials: nobody has to ask whether they have been revoked. */
async function call(): Promise<string> {
  const id = `d1-${randomUUID()}`;
  const body = JSON.stringify({
    ...{ jsonrpc: '2.0', id: 1, method: 'tools/call' },
    params: { name: 'echo', arguments: { text: id }, _meta: META },
  });
  const headers = {
    ...{ 'content-type': 'application/json', accept: 'application/json, text/event-stream', 'x-request-id': id },
    ...{ 'mcp-protocol-version': MODERN, 'mcp-method': 'tools/call', 'mcp-name': 'echo' },
  };
  const answer = await new Promise<string>((resolve, reject) => {
    // A connection of its own: none is kept that might be closed just then.
    const sent = request(`${edges.proxy.url}/mcp/work`, { method: 'POST', agent: false, headers });
    sent.once('response', (response) => void text(response).then(resolve, reject));
    sent.once('error', reject);
    sent.end(body);
  });
  const { error } = JSON.parse(answer) as { error?: { data: { reason: string } } };
  const how = error?.data.reason ?? 'ok';
  answered.set(how, [...(answered.get(how) ?? []), id]);
  return how;
}

/** Calls until both edges have refused one call after another. */
async function callUntilRefused(): Promise<void> {
  let refusedInRow = 0;
  const caller = async () => {
    while (refusedInRow < 4 * CALLERS) refusedInRow = (await call()) === 'ok' ? 0 : refusedInRow + 1;
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
}

const bytesIn = (dir: string) =>
  readdirSync(dir)
    .filter((name) => name.endsWith('.spool'))
    .reduce((sum, name) => sum + statSync(path.join(dir, name)).size, 0);

/** Every event that is in the stream, each as often as it is there. */
async function eventsInStream(): Promise<EventJson[]> {
  const link = await connectNats({ servers: [edges.nats.url], name: 'test' });
  const bus = await NatsBus.open(link);
  const lines: string[] = [];
  const last = await bus.lastSequence(EVENTS_STREAM);
  const reader = await bus.read(EVENTS_STREAM, 0);
  for (let at = 0; at < last;) {
    const limits = { messages: 100, bytes: 16 * 1024 ** 2, fillMs: 100, signal: AbortSignal.timeout(10_000) };
    const read = await reader.next(limits);
    lines.push(...read.map(({ data }) => Buffer.from(data).toString()));
    at = Number(read.at(-1)?.sequence ?? last);
  }
  await reader.close();
  await bus.close();
  await link.close();
  return lines
    .join('')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as EventJson);
}

describe('D1: NATS is gone while clients are at work', () => {
  let events: readonly EventJson[] = [];
  const ofType = (type: string) => events.filter((event) => event.type === type);

  beforeAll(async () => {
    for (let made = 0; made < 10; made += 1) await call();
    await edges.nats.kill();
    await callUntilRefused();
  }, 300_000);

  it('D1 calls go on until the spools are four fifths full, and are then refused for that reason', () => {
    expect([...answered.keys()].sort()).toEqual(['audit_unavailable', 'ok']);
    for (const dir of edges.spools) expect(bytesIn(dir)).toBeGreaterThan(0.8 * SPOOL_BYTES);
    for (const dir of edges.spools) expect(bytesIn(dir)).toBeLessThan(1.1 * SPOOL_BYTES);
  });

  it('D1 calls are taken again once NATS is back', async () => {
    await edges.nats.restart();
    await eventually(async () => (await call()) === 'ok' && (await call()) === 'ok', { timeoutMs: 30_000 });
  }, 300_000);

  it('D1 nothing was lost: every call that was answered has its event', async () => {
    const ok = new Set(answered.get('ok'));
    await eventually(
      async () => {
        events = await eventsInStream();
        expect(new Set(ofType('tool.called').flatMap((e) => (e.outcome === 'ok' ? [e.request_id] : [])))).toEqual(ok);
      },
      { timeoutMs: 30_000, everyMs: 500 },
    );
  }, 300_000);

  it('D1 nothing is there twice, no sequence has a gap, and each refusal is an event or told of', () => {
    expect(new Set(events.map(({ event_id: id }) => id)).size).toBe(events.length);
    for (const emitter of ['edge-1', 'edge-2']) {
      const sequences = events.filter((event) => event.emitter === emitter).map(({ sequence }) => Number(sequence));
      expect(sequences.sort((a, b) => a - b)).toEqual(sequences.map((_, index) => index + 1));
    }
    const told = ofType('audit.shed').reduce(
      (sum, { detail }) => sum + Number(detail?.['tool.called audit_unavailable'] ?? 0),
      0,
    );
    const recorded = ofType('tool.called').filter(({ reason }) => reason === 'audit_unavailable').length;
    expect(told + recorded).toBe(answered.get('audit_unavailable')?.length);
  });
});
