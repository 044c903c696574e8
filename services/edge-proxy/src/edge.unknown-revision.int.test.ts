import { answerResult, startScriptedUpstream } from '@switchyard/testing';
import { startTestEdge } from './edge.fixture.js';
import { exchange, INITIALIZE } from './raw-client.fixture.js';

it('XE-5 an upstream whose revision nobody knows is named as such', async () => {
  await using upstream = await startScriptedUpstream({
    name: 'future',
    tools: ['echo'],
    scripts: {
      initialize: ({ message, response }) => {
        response.writeHead(404, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, error: { code: -32601, message: 'no' } }));
      },
      'server/discover': (scripted) =>
        answerResult(scripted, { resultType: 'complete', supportedVersions: ['1999-01-01'], capabilities: {}, ttlMs: 0 }),
    },
  });
  await using edge = await startTestEdge();
  await edge.publish({
    upstreams: [{ name: 'future', transport: { case: 'http', value: { url: upstream.url } }, timeoutMs: 20_000 }],
    servers: [{ slug: 'up', sources: [{ upstream: 'future', tools: ['*'] }], access: [{ everyone: true }] }],
  });
  const { messages } = await exchange(edge.url, { path: '/mcp/up', key: edge.key, body: INITIALIZE });
  expect(messages).toEqual([
    expect.objectContaining({
      error: expect.objectContaining({
        code: 10505,
        data: expect.objectContaining({ reason: 'era_mismatch', upstream: 'future' }),
      }),
    }),
  ]);
});
