import { randomUUID } from 'node:crypto';

/** How one attempt at a call ended, as the client saw it. */
export type Attempt =
  /** Every byte of a JSON-RPC response came. */
  | { readonly kind: 'answered'; readonly requestId: string; readonly text: string }
  /** The connection ended before, or the gateway said that it is not there. */
  | { readonly kind: 'unanswered'; readonly requestId: string };

/** A client that retries nothing and corrects nothing, so that what it saw is what happened. */
export interface BareClient {
  /** Calls the tool `echo` with its own request id as the text. */
  call(): Promise<Attempt>;
}

const HEADERS = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
const MODERN = '2026-07-28';
const LEGACY = '2025-11-25';
const META = {
  'io.modelcontextprotocol/protocolVersion': MODERN,
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': { name: 'bare', version: '1' },
};

/** A client without sessions, of revision 2026-07-28. @param url of an MCP server */
export function modernClient(url: string, token: string): BareClient {
  const headers = { 'mcp-protocol-version': MODERN, 'mcp-method': 'tools/call', 'mcp-name': 'echo' };
  return { call: () => call(url, token, headers, { _meta: META }) };
}

/** A client with a session, of revision 2025-11-25. @param url of an MCP server */
export async function legacyClient(url: string, token: string): Promise<BareClient> {
  const clientInfo = { name: 'bare', version: '1' };
  const initialize = { method: 'initialize', params: { protocolVersion: LEGACY, capabilities: {}, clientInfo } };
  const response = await post(url, token, {}, { id: 0, ...initialize });
  await response.text();
  const headers = { 'mcp-session-id': response.headers.get('mcp-session-id') ?? '', 'mcp-protocol-version': LEGACY };
  await (await post(url, token, headers, { method: 'notifications/initialized' })).text();
  return { call: () => call(url, token, headers, {}) };
}

async function call(url: string, token: string, headers: Record<string, string>, params: object): Promise<Attempt> {
  const requestId = `bare-${randomUUID()}`;
  const message = { id: 1, method: 'tools/call', params: { name: 'echo', arguments: { text: requestId }, ...params } };
  const response = await post(url, token, { ...headers, 'x-request-id': requestId }, message).catch(() => undefined);
  const text = await response?.text().catch(() => undefined);
  if (response?.status !== 200 || text === undefined) return { kind: 'unanswered', requestId };
  return { kind: 'answered', requestId, text };
}

function post(url: string, token: string, headers: Record<string, string>, message: object): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { ...HEADERS, authorization: `Bearer ${token}`, ...headers },
    body: JSON.stringify({ jsonrpc: '2.0', ...message }),
  });
}
