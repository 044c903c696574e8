import type { GatewayConfig } from '@switchyard/gateway-config';
import { once } from 'node:events';
import { request, type IncomingMessage, type RequestOptions } from 'node:http';

const INITIALIZE = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'switchyard-warm-up', version: '0.1.0' } },
};
const LIST_TOOLS = { jsonrpc: '2.0', id: 2, method: 'tools/list' };
const TIMEOUT_MS = 20_000;

/**
 * Lists the tools of every server that has local upstreams: the edge starts their processes then and learns their names, and the
 * first call of a person does not wait for that.
 * @param key API key that opens every server
 * @throws the connection's error
 */
export async function warmUp({ gateway, servers, upstreams }: GatewayConfig, key: string): Promise<void> {
  // Only clients know whom to trust there.
  if (gateway.tls !== undefined) return;
  const isLocal = (upstream: string) => upstreams[upstream]?.kind === 'stdio';
  const slugs = Object.keys(servers).filter((slug) => servers[slug]?.sources.some(({ upstream }) => isLocal(upstream)));
  await Promise.all(slugs.map((slug) => listOnce(gateway, slug, key)));
}

async function listOnce({ host, port, publicUrl }: GatewayConfig['gateway'], slug: string, key: string): Promise<void> {
  const target = { host: host === '0.0.0.0' ? '127.0.0.1' : host, port, path: `/mcp/${slug}` };
  const headers = {
    host: new URL(publicUrl).host,
    authorization: `Bearer ${key}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  };
  const opened = await send({ ...target, method: 'POST', headers }, JSON.stringify(INITIALIZE));
  const session = opened.headers['mcp-session-id'];
  if (typeof session !== 'string') return;
  const inSession = { ...headers, 'mcp-session-id': session, 'mcp-protocol-version': INITIALIZE.params.protocolVersion };
  await send({ ...target, method: 'POST', headers: inSession }, JSON.stringify(LIST_TOOLS));
  await send({ ...target, method: 'DELETE', headers: inSession });
}

async function send(options: RequestOptions, body = ''): Promise<IncomingMessage> {
  const outbound = request({ ...options, signal: AbortSignal.timeout(TIMEOUT_MS) });
  outbound.end(body);
  const [answer] = (await once(outbound, 'response')) as [IncomingMessage];
  answer.resume();
  await once(answer, 'end');
  return answer;
}
