import type { EventView } from '@switchyard/contracts';
import { answerResult, eventually, startScriptedUpstream, tempDir, type ScriptedUpstream } from '@switchyard/testing';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { AdminApi, type ApiAnswer } from './admin-api.js';
import { runSwitchyard } from './clients/switchyard-command.js';
import { filesOf, placesOf, placesWith, rowsOf } from './places.js';
import { startEmbedded } from './targets/embedded.js';
import { startProcesses } from './targets/processes.js';
import type { LocalTarget, OwnPlace } from './targets/target.js';

const draw = (what: string) => `${what}-${randomBytes(16).toString('hex')}`;

const drawn = {
  note: draw('note'),
  order: draw('order'),
  mail: `${draw('person')}@example.com`,
  named: draw('named'),
  shaped: `ghp_${randomBytes(20).toString('hex')}`,
  result: draw('result'),
};

const ARGUMENTS = {
  order: { id: drawn.order, items: [{ id: 4711, note: drawn.note }], to: drawn.mail },
  copy: drawn.order,
  gift: true,
  password: drawn.named,
  comment: `use ${drawn.shaped}`,
  byMail: { [drawn.mail]: 1 },
};
const RESULT = { content: [{ type: 'text', text: drawn.result }], structuredContent: { id: drawn.order, state: drawn.note } };

const gatewayFile = (place: OwnPlace, upstreamUrl: string) => `
gateway: { publicUrl: "${place.publicUrl}", host: "${place.host}", port: ${place.port} }
identity: { mode: dev }
upstreams:
  shop: { url: "${upstreamUrl}" }
servers:
  usual: { sources: [{ upstream: shop }], access: [{ everyone: true }] }
  redacted:
    sources: [{ upstream: shop }]
    access: [{ everyone: true }]
    audit:
      durability: strict
      capture: redacted
      clear: [order.items.*.id, order.items.0.note, comment, password]
      clearResult: [content.*.type]
      captureRules: [{ tools: [quiet], capture: metadata }]
  full: { sources: [{ upstream: shop }], access: [{ everyone: true }], audit: { capture: full } }
audit: { captureLimitBytes: 4096 }
`;

describe.each<readonly [string, typeof startEmbedded]>([
  ['one process', startEmbedded],
  ['five processes on NATS', startProcesses],
])('captured payloads: %s', (_name, start) => {
  const undo = new AsyncDisposableStack();
  let upstream: ScriptedUpstream;
  let target: LocalTarget;
  let admin: AdminApi;
  let auditor: AdminApi;
  const keys = { ann: { key: '', id: '' }, bob: { key: '', id: '' }, cat: { key: '', id: '' } };
  const calls: Record<string, EventView> = {};

  type Who = 'ann' | 'bob' | 'cat';

  function send(who: Who, slug: string, requestId: string, tool = 'order', args: object = ARGUMENTS): Promise<Response> {
    const meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'e2e', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    };
    return fetch(`${target.publicUrl}/mcp/${slug}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${keys[who].key}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'tools/call',
        'mcp-name': tool,
        'x-request-id': requestId,
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: tool, arguments: args, _meta: meta } }),
    });
  }

  /** Calls a tool, and waits for its event. */
  async function call(who: Who, slug: string, tool?: string, args?: object): Promise<EventView> {
    const requestId = draw('request');
    const response = await send(who, slug, requestId, tool, args);
    expect([response.status, await response.text()]).toEqual([200, expect.stringContaining('"result"')]);
    const [event] = await admin.eventsWhen(1, { request_id: requestId, type: 'tool.called' });
    return event!;
  }

  const payloadPath = ({ event_id: id }: EventView) => `/api/v1/events/${id}/payload`;
  /** Reads until it has arrived. */
  const read = (event: EventView, as = auditor): Promise<ApiAnswer> =>
    eventually(
      async () => {
        const answer = await as.get(payloadPath(event));
        if (answer.json['reason'] === 'payload_absent') throw new Error('the payload has not arrived');
        return answer;
      },
      { timeoutMs: 30_000, everyMs: 250 },
    );
  const readsOf = (event: EventView, outcome: string) =>
    eventually(async () => {
      const reads = await admin.events({ type: 'payload.read', outcome });
      const found = reads.filter(({ detail }) => detail?.['event'] === event.event_id);
      if (found.length === 0) throw new Error('the read is not on record yet');
      return found;
    });

  beforeAll(async () => {
    upstream = undo.use(await startScriptedUpstream({ name: 'shop', tools: ['order', 'quiet'] }));
    upstream.on('tools/call', (exchange) => answerResult(exchange, RESULT));
    target = undo.use(
      await start({
        text: (place) => Promise.resolve(gatewayFile(place, upstream.url)),
        env: {},
        loopbackPorts: () => [upstream.port],
      }),
    );
    admin = new AdminApi(target.publicUrl, target.adminKey);
    for (const who of ['ann', 'bob', 'cat'] as const) keys[who] = await admin.createKey({ name: who, servers: ['*'] });
    auditor = new AdminApi(target.publicUrl, (await admin.createKey({ name: 'auditor', roles: ['auditor'] })).key);
    const isServed = async () => (await fetch(`${target.publicUrl}/.well-known/oauth-protected-resource/mcp/full`)).ok;
    await eventually(isServed);
    calls['redacted'] = await call('ann', 'redacted');
    calls['full'] = await call('ann', 'full');
    calls['of-bob'] = await call('bob', 'full');
    calls['usual'] = await call('ann', 'usual');
    calls['quiet'] = await call('ann', 'redacted', 'quiet');
    calls['long'] = await call('ann', 'full', 'order', { text: 'ü'.repeat(3000) });
  }, 300_000);
  afterAll(() => undo.disposeAsync(), 60_000);

  const eventOf = (name: string) => calls[name]!;

  it('D7: fields that are named stay readable, of all others a keyed digest, and secrets nowhere', async () => {
    const { status, json } = await read(eventOf('redacted'));
    const digest = (type: string) => expect.stringMatching(new RegExp(`^${type}:[A-Za-z0-9_-]{22}$`)) as string;
    expect([status, json]).toEqual([
      200,
      {
        event_id: eventOf('redacted').event_id,
        mode: 'redacted',
        arguments: {
          order: { id: digest('string'), items: [{ id: 4711, note: drawn.note }], to: digest('string') },
          copy: digest('string'),
          gift: 'boolean',
          password: 'secret',
          comment: 'secret',
          byMail: { [Object.keys((json['arguments'] as { byMail: object }).byMail)[0]!]: digest('number') },
        },
        result: {
          ...(json['result'] as object),
          content: [{ type: 'text', text: digest('string') }],
          structuredContent: { id: digest('string'), state: digest('string') },
        },
      },
    ]);
    const said = json['arguments'] as { order: { id: string; to: string }; copy: string; byMail: object };
    const result = json['result'] as { structuredContent: { id: string } };
    expect(new Set([said.order.id, said.copy, result.structuredContent.id]).size).toBe(1);
    expect(said.order.to).not.toBe(said.copy);
    expect(Object.keys(said.byMail)).toEqual(
      [digest('name:')].map(() => expect.stringMatching(/^name:[A-Za-z0-9_-]{22}$/) as string),
    );
    for (const hidden of [drawn.order, drawn.mail, drawn.named, drawn.shaped, drawn.result])
      expect(JSON.stringify(json)).not.toContain(hidden);
  });

  it('D7: full keeps all of it, and of what is too long the beginning, its length and digest', async () => {
    expect((await read(eventOf('full'))).json).toMatchObject({ mode: 'full', arguments: ARGUMENTS, result: RESULT });
    const { json } = await read(eventOf('long'));
    const start = `{"text":"${'ü'.repeat((4096 - 9) >> 1)}`;
    expect(json['arguments']).toEqual({
      truncated: true,
      bytes: 6011,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      start,
    });
  });

  it.each([
    { id: 'of a server that captures nothing', name: 'usual' },
    { id: 'that a rule leaves out', name: 'quiet' },
  ])('D7: nothing is captured of a call $id', async ({ name }) => {
    expect(eventOf(name).detail ?? {}).not.toHaveProperty('payload');
    expect(await auditor.get(payloadPath(eventOf(name)))).toMatchObject({ status: 404, json: { reason: 'payload_none' } });
  });

  it('is read by auditors alone, and every read is an event that says who and which', async () => {
    expect(await read(eventOf('full'))).toMatchObject({ status: 200 });
    expect((await readsOf(eventOf('full'), 'ok'))[0]).toMatchObject({
      principal_name: 'auditor',
      detail: { payload: eventOf('full').detail?.['payload'] },
    });
    expect(await admin.get(payloadPath(eventOf('of-bob')))).toMatchObject({ status: 403, json: { reason: 'forbidden' } });
    expect(await readsOf(eventOf('of-bob'), 'denied')).toMatchObject([
      { principal_name: 'first admin key', reason: 'forbidden', http_status: 403 },
    ]);
    const ann = new AdminApi(target.publicUrl, keys.ann.key);
    expect((await ann.get(payloadPath(eventOf('full')))).status).toBe(403);
    expect((await new AdminApi(target.publicUrl).get(payloadPath(eventOf('full')))).status).toBe(401);
    const id = eventOf('full').event_id;
    const shown = await runSwitchyard({ ...target, adminKey: await auditorKey() }, ['audit', 'payload', id]);
    expect(JSON.parse(shown)).toMatchObject({ event_id: id, arguments: ARGUMENTS });
  });

  const auditorKey = async () => (await admin.createKey({ name: 'other auditor', roles: ['auditor'] })).key;

  it('is nowhere else: neither in files, nor streams, nor tables, nor logs', async () => {
    const places = [...(await placesOf(target)), ...(target.natsUrl === undefined ? [] : await rowsOf(target))];
    expect(placesWith(String(eventOf('full').detail?.['payload_sha256']), places)).not.toEqual([]);
    for (const text of Object.values(drawn)) expect([text, placesWith(text, places)]).toEqual([text, []]);
  }, 300_000);

  it('D10: what was captured of one principal is erased, what was captured of others is not', async () => {
    const args = ['audit', 'erase', '--issuer', 'api-key', '--principal', keys.ann.id];
    await expect(runSwitchyard(target, args)).rejects.toThrow('Add --yes');
    await runSwitchyard(target, ['audit', 'hold', 'add', 'case-7', '--reason', 'a suit', '--principal', 'ann']);
    await expect(runSwitchyard(target, [...args, '--yes'])).rejects.toThrow(
      'the legal hold case-7 keeps what was captured of this principal. Release it ("switchyard audit hold release case-7',
    );
    expect(await read(eventOf('full'))).toMatchObject({ status: 200 });
    await runSwitchyard(target, ['audit', 'hold', 'release', 'case-7', '--reason', 'settled']);
    await runSwitchyard(target, [...args, '--yes']);
    expect(await read(eventOf('full'))).toMatchObject({ status: 410, json: { reason: 'payload_erased' } });
    expect(await read(eventOf('redacted'))).toMatchObject({ status: 410 });
    expect(await read(eventOf('of-bob'))).toMatchObject({ status: 200, json: { arguments: ARGUMENTS } });
    const [erased, refused] = await admin.eventsWhen(2, { type: 'payload.erased' });
    expect(refused).toMatchObject({ outcome: 'denied', reason: 'held', http_status: 409, detail: { holds: 'case-7' } });
    expect(erased).toMatchObject({
      principal_name: 'first admin key',
      detail: { erased_issuer: 'api-key', erased_subject: keys.ann.id, count: '1' },
    });
  });

  it('D10: once the tenant’s keys are destroyed nothing can be read, nothing is captured, and the chain still verifies', async () => {
    const confirm = 'destroy all keys of default';
    expect((await admin.request('POST', '/api/v1/data-keys/destroy', { confirm })).status).toBe(200);
    expect(await read(eventOf('of-bob'))).toMatchObject({ status: 410, json: { reason: 'payload_erased' } });
    await admin.eventsWhen(1, { type: 'vault.keys_destroyed' });
    expect((await call('cat', 'full')).detail).toEqual({ capture: 'unavailable', capture_failed: 'key_destroyed' });
    const refused = await send('cat', 'redacted', draw('refused'));
    expect([refused.status, await refused.text()]).toEqual([503, expect.stringContaining('audit_unavailable')]);
    const { path: dir } = undo.use(await tempDir());
    const [file, keyFile] = [path.join(dir, 'export.jsonl'), path.join(dir, 'keys.json')];
    await writeFile(keyFile, await runSwitchyard(target, ['audit', 'key']));
    await eventually(
      async () => {
        const text = await runSwitchyard(target, ['audit', 'export']);
        if (!text.includes('"vault.keys_destroyed"')) throw new Error('no checkpoint covers it yet');
        await writeFile(file, text);
      },
      { timeoutMs: 100_000, everyMs: 3_000 },
    );
    expect(await runSwitchyard(target, ['audit', 'verify', file, '--key', keyFile])).toMatch(/^Verified: \d+ records/m);
  }, 300_000);

  it('is in no file and no row once everything has stopped', async () => {
    await target.stop();
    const places = [...(await filesOf(target)), ...(await rowsOf(target))];
    for (const text of Object.values(drawn)) expect([text, placesWith(text, places)]).toEqual([text, []]);
  }, 300_000);
});
