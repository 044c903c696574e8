import type { EventJson } from '@switchyard/contracts';
import { answerResult, eventually, type ScriptedUpstream, startScriptedUpstream } from '@switchyard/testing';
import { startTestEdge, type TestEdge } from './edge.fixture.js';
import { callOf, exchange, openSession } from './raw-client.fixture.js';

let upstream: ScriptedUpstream;
let edge: TestEdge;

const names = { tools: ['*'], prompts: ['*'], resources: ['*'] };
const everyone = [{ everyone: true }];
const source = { upstream: 'bank', readOnly: ['get_*'], ...names };

beforeAll(async () => {
  upstream = await startScriptedUpstream({ name: 'bank', tools: ['pay', 'get_balance'] });
  upstream.on('tools/call', (call) => answerResult(call, { content: [{ type: 'text', text: 'done' }] }));
  upstream.on('prompts/get', (call) => answerResult(call, { messages: [] }));
  edge = await startTestEdge();
  await edge.publish({
    upstreams: [{ name: 'bank', transport: { case: 'http', value: { url: upstream.url } }, timeoutMs: 20_000 }],
    servers: [
      { slug: 'strict', sources: [source], access: everyone, auditStrict: true },
      { slug: 'standard', sources: [source], access: everyone },
      { slug: 'closed', sources: [source], access: [{ everyone: true, tools: ['none'] }], auditStrict: true },
    ],
  });
});

afterAll(async () => {
  await edge[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

const promptOf = (name: string) => ({ jsonrpc: '2.0', id: 1, method: 'prompts/get', params: { name } });

/** Sends a message and waits for all that is recorded of it, oldest first. */
async function recorded(path: string, body: object): Promise<EventJson[]> {
  const session = await openSession(edge.url, path, edge.key);
  const { headers } = await exchange(edge.url, { path, key: edge.key, session, body });
  const request = headers['x-request-id'];
  const own = () => edge.events.filter(({ request_id }) => request_id === request);
  await eventually(() => own().some(({ type }) => type !== 'proxy.hop' && type !== 'tool.intended'));
  return own().sort((a, b) => Number(a.sequence) - Number(b.sequence));
}

describe('strict durability', () => {
  it.each([
    { id: 'tool', path: '/mcp/strict', body: callOf('pay'), types: ['tool.intended', 'proxy.hop', 'tool.called'] },
    { id: 'read-only-tool', path: '/mcp/strict', body: callOf('get_balance'), types: ['proxy.hop', 'tool.called'] },
    { id: 'prompt', path: '/mcp/strict', body: promptOf('p'), types: ['proxy.hop', 'prompt.got'] },
    { id: 'of-another-server', path: '/mcp/standard', body: callOf('pay'), types: ['proxy.hop', 'tool.called'] },
    { id: 'denied', path: '/mcp/closed', body: callOf('pay'), types: ['policy.denied'] },
    {
      id: 'through-the-joined-server',
      path: '/mcp',
      body: callOf('strict__pay'),
      types: ['tool.intended', 'proxy.hop', 'tool.called'],
    },
    { id: 'standard-through-it', path: '/mcp', body: callOf('standard__pay'), types: ['proxy.hop', 'tool.called'] },
  ])('$id: records what it has to, in this order', async ({ path, body, types }) => {
    const events = (await recorded(path, body)).filter(({ method }) => method === body.method);
    expect(events.map(({ type }) => type)).toEqual(types);
  });

  it('announces a call with everything that is known of it, and its end refers to that', async () => {
    const [intent, , end] = await recorded('/mcp/strict', callOf('pay'));
    const same = ['server', 'upstream', 'capability', 'upstream_capability', 'method', 'principal_issuer', 'client_id'] as const;
    for (const name of same) expect([name, intent?.[name]]).toEqual([name, end?.[name]]);
    expect(intent).toMatchObject({ outcome: 'pending', detail: { intent_of: 'tool.called' } });
    expect(end).toMatchObject({ outcome: 'ok', detail: { intent: intent?.event_id } });
    expect(end?.detail?.intent_of).toBeUndefined();
  });

  it('ends what it announced also where the upstream fails', async () => {
    upstream.on('tools/call', ({ response }) => response.destroy());
    const [intent, , end] = await recorded('/mcp/strict', callOf('pay'));
    expect(intent?.type).toBe('tool.intended');
    expect(end).toMatchObject({ type: 'tool.called', outcome: 'error', detail: { intent: intent?.event_id } });
  });
});
