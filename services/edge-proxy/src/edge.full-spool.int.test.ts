import { answerResult, eventually, type ScriptedUpstream, startScriptedUpstream, tempDir } from '@switchyard/testing';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { startTestEdge, type TestEdge } from './edge.fixture.js';
import { callOf, exchange, openSession } from './raw-client.fixture.js';

let upstream: ScriptedUpstream;

beforeAll(async () => {
  upstream = await startScriptedUpstream({ name: 'bank', tools: ['pay', 'get_balance'] });
  upstream.on('tools/call', (call) => answerResult(call, { content: [{ type: 'text', text: 'done' }] }));
  upstream.on('prompts/get', (call) => answerResult(call, { messages: [] }));
});
afterAll(() => upstream[Symbol.asyncDispose]());

const names = { tools: ['*'], prompts: ['*'], resources: ['*'] };
const snapshot = (auditShedsReads: boolean, auditStrict: boolean) => ({
  auditShedsReads,
  upstreams: [{ name: 'bank', transport: { case: 'http' as const, value: { url: upstream.url } }, timeoutMs: 20_000 }],
  servers: [
    { slug: 'work', sources: [{ upstream: 'bank', readOnly: ['get_*'], ...names }], access: [{ everyone: true }], auditStrict },
  ],
});

const PATH = '/mcp/work';
const promptOf = (name: string) => ({ jsonrpc: '2.0', id: 1, method: 'prompts/get', params: { name } });
const list = { jsonrpc: '2.0', id: 1, method: 'tools/list' };

/** Makes the spool's directory one that nothing can be written to, and sends calls until the edge has noticed. */
async function breakSpool(edge: TestEdge, dir: string, session: string): Promise<void> {
  renameSync(dir, `${dir}-away`);
  writeFileSync(dir, 'a file where the directory was');
  await eventually(
    async () => (await exchange(edge.url, { path: PATH, key: edge.key, session, body: callOf('pay') })).status === 503,
  );
}

function mendSpool(dir: string): void {
  rmSync(dir);
  renameSync(`${dir}-away`, dir);
}

const rows = [
  { body: callOf('pay'), deny: 503, shed: 503 },
  { body: callOf('get_balance'), deny: 503, shed: 200 },
  { body: promptOf('p'), deny: 503, shed: 200 },
  { body: list, deny: 503, shed: 200 },
];

describe.each([
  { policy: 'deny', strict: false },
  { policy: 'shed', strict: false },
  { policy: 'shed', strict: true },
] as const)('D2: a spool that cannot be written, whenFull $policy, strict $strict', ({ policy, strict }) => {
  it('does nothing that may change something; what reads is as the policy says, and told of afterwards', async () => {
    await using dir = await tempDir();
    const spoolDir = path.join(dir.path, 'spool');
    // A small limit has small segments: the next one cannot be begun.
    await using edge = await startTestEdge({ spoolDir, spoolLimitBytes: 64 * 1024 });
    await edge.publish(snapshot(policy === 'shed', strict));
    const session = await openSession(edge.url, PATH, edge.key);
    await breakSpool(edge, spoolDir, session);
    const before = upstream.received.length;
    const send = (body: object) => exchange(edge.url, { path: PATH, key: edge.key, session, body });
    for (const row of rows) {
      const { status, headers, messages } = await send(row.body);
      expect([row.body.method, status]).toEqual([row.body.method, row[policy]]);
      if (status !== 503) continue;
      expect(messages[0]?.error).toMatchObject({ code: 10507, data: { reason: 'audit_unavailable' } });
      expect(headers['retry-after']).toBe('30');
    }
    const bodies = upstream.received.slice(before).map(({ body }) => body);
    expect(bodies.filter((body) => body.includes('"pay"'))).toEqual([]);
    if (policy === 'deny') expect(bodies).toEqual([]);
    expect((await edge.edge.readiness()).audit === 'ok').toBe(policy === 'shed');

    mendSpool(spoolDir);
    const { detail = {}, outcome } = await edge.event(({ type }) => type === 'audit.shed');
    expect(outcome).toBe('error');
    expect(Number(detail['tool.called audit_unavailable'])).toBeGreaterThanOrEqual(1);
    const read = { 'tool.called ok': '1', 'prompt.got ok': '1', 'capability.listed ok': '1' };
    if (policy === 'shed') expect(detail).toMatchObject(read);
    const counted = Object.entries(detail).filter(([name]) => name.includes(' '));
    expect(counted.reduce((sum, [, count]) => sum + Number(count), 0)).toBe(Number(detail.events));
    expect(Date.parse(detail.since ?? '')).toBeLessThanOrEqual(Date.parse(detail.until ?? ''));
    expect((await send(callOf('pay'))).status).toBe(200);
  });
});
