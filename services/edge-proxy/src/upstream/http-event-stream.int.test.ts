import { Egress, type FieldLines, LOOPBACK, NO_FIELDS, withField } from '@switchyard/egress';
import { beginEvents, eventually, type Script, type ScriptedUpstream, startScriptedUpstream } from '@switchyard/testing';
import { systemClock } from '@switchyard/runtime';
import { NO_CREDENTIAL } from '../stages/lease.js';
import { HttpEventStream } from './http-event-stream.js';
import { UpstreamHttp } from './upstream-http.js';

const shownWith = (fields: FieldLines) => ({ credential: NO_CREDENTIAL, fields });

let upstream: ScriptedUpstream;
let egress: Egress;
let heard: string[];

beforeEach(async () => {
  upstream = await startScriptedUpstream({ name: 'up' });
  egress = new Egress({ allowed: LOOPBACK, connectTimeoutMs: 1_000 });
  heard = [];
});

afterEach(async () => {
  await egress.close();
  await upstream[Symbol.asyncDispose]();
});

const start = (url = upstream.url, renew?: () => Promise<FieldLines | undefined>) =>
  new HttpEventStream({
    http: new UpstreamHttp(egress, systemClock),
    url: new URL(url),
    shown: shownWith(withField(NO_FIELDS, 'mcp-session-id', 's')),
    renew: renew && (() => renew().then((fields) => fields && shownWith(fields))),
    limitBytes: 4_096,
    onMessage: ({ envelope }) => void heard.push(envelope.method),
  });

const changed = { jsonrpc: '2.0', method: 'notifications/tools/list_changed' };
const answering =
  (status: number, contentType: string): Script =>
  ({ response }) =>
    void response.writeHead(status, { 'content-type': contentType }).end('no');
/** Resolves when a stream that is retried has been tried three times: time enough for any other to be. */
async function timeToRetry(): Promise<void> {
  await using away = await startScriptedUpstream({ name: 'away', scripts: { GET: answering(503, 'text/plain') } });
  const stream = start(away.url);
  await eventually(() => away.received.length === 3);
  stream.close();
}

describe('the standing stream from an upstream', () => {
  it.each([
    ['ES-1 has no such stream', answering(405, 'text/plain')],
    ['ES-2 has ended the session', answering(404, 'application/json')],
    ['ES-3 wants another credential', answering(401, 'application/json')],
    ['ES-4 answers with a page', answering(200, 'text/html')],
  ])('is asked for once where the upstream %s', async (_id, script) => {
    upstream.on('GET', script);
    const stream = start();
    await eventually(() => upstream.received.length === 1);
    await timeToRetry();
    stream.close();
    expect(upstream.received).toHaveLength(1);
  });

  it.each([
    ['ES-3a that there is now', 'new', 2],
    ['ES-3b that is refused too', 'no better', 2],
    ['ES-3c and there is none', undefined, 1],
  ])('is asked for once more with a credential %s', async (_id, other, times) => {
    upstream.on('GET', ({ request, response }) => {
      if (request.headers.authorization !== 'new') return void response.writeHead(401).end();
      beginEvents(response)(changed);
    });
    const stream = start(upstream.url, () =>
      Promise.resolve(other === undefined ? undefined : withField(NO_FIELDS, 'authorization', other)),
    );
    await eventually(() => upstream.received.length === times && (other !== 'new' || heard.length === 1));
    await timeToRetry();
    stream.close();
    expect(upstream.received).toHaveLength(times);
  });

  it('ES-5 is opened again when it breaks, with growing pauses, and goes on', async () => {
    upstream.on('GET', ({ response }) => {
      beginEvents(response)(changed);
      response.end();
    });
    const startedAt = performance.now();
    const stream = start();
    await eventually(() => upstream.received.length === 3);
    // 500 ms and 1000 ms at least.
    expect(performance.now() - startedAt).toBeGreaterThan(1_400);
    await eventually(() => heard.length === upstream.received.length);
    stream.close();
  });

  it('ES-6 waits as long as the upstream asks', async () => {
    upstream.on('GET', ({ response }) => {
      beginEvents(response)('retry: 1500\ndata:\n\n');
      response.end();
    });
    const startedAt = performance.now();
    const stream = start();
    await eventually(() => upstream.received.length === 2);
    expect(performance.now() - startedAt).toBeGreaterThan(1_450);
    stream.close();
  });

  it('ES-7 is tried again where the upstream is away', async () => {
    upstream.on('GET', answering(503, 'text/plain'));
    const stream = start();
    await eventually(() => upstream.received.length === 1);
    upstream.on('GET', ({ response }) => void beginEvents(response)(changed));
    await eventually(() => heard.length === 1);
    stream.close();
  });

  it('ES-8 that was closed before it was open stays closed, and one that is open ends', async () => {
    const early = start();
    early.close();
    let closed = 0;
    upstream.on('GET', ({ response }) => {
      beginEvents(response)(changed);
      response.on('close', () => (closed += 1));
    });
    const stream = start();
    await eventually(() => heard.length === 1);
    stream.close();
    await eventually(() => closed === 1);
    expect(upstream.received.length).toBeLessThanOrEqual(2);
    await timeToRetry();
    expect(heard).toHaveLength(1);
  });

  it('ES-9 drops what is no message, and breaks off what is over the limit', async () => {
    upstream.on('GET', ({ response }) => {
      const send = beginEvents(response);
      send('data: not JSON\n\n: comment\n\n');
      send(changed);
      send(`data: ${'x'.repeat(8_192)}`);
    });
    const stream = start();
    await eventually(() => upstream.received.length === 2);
    expect(heard[0]).toBe(changed.method);
    stream.close();
  });

  it('ES-10 is resumed where it broke off, and begins anew where the upstream does not know the place', async () => {
    upstream.on('GET', ({ request, response }) => {
      if (request.headers['last-event-id'] !== undefined) return void response.writeHead(400).end();
      beginEvents(response)(`id: e-7\ndata: ${JSON.stringify(changed)}\n\n`);
      response.end();
    });
    const stream = start();
    await eventually(() => upstream.received.length === 3);
    expect(upstream.received.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, 'e-7', undefined]);
    stream.close();
  });
});
