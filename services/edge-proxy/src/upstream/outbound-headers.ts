import { encodeHeaderValue } from '@switchyard/mcp';
import type { OutboundRequest } from './link.js';

type Outbound = Pick<
  OutboundRequest,
  'era' | 'revision' | 'method' | 'name' | 'paramHeaders' | 'session' | 'credential' | 'requestId' | 'traceparent'
>;

/**
 * Header fields of a POST to an upstream. All are made here: none of the client's is passed on.
 * Modern: MCP-Protocol-Version, Mcp-Method, Mcp-Name, Mcp-Param-* (MCP 2026-07-28, "Standard Request Headers"); legacy: the version and
 * session headers (MCP 2025-11-25, "Session Management").
 */
export function outboundHeaders(request: Outbound): Record<string, string> {
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'accept-encoding': 'identity',
    'user-agent': 'switchyard',
    'x-request-id': request.requestId,
    traceparent: request.traceparent,
  };
  const { headers: credential } = request.credential;
  for (const name in credential) headers[name] ??= credential[name]!;
  if (request.method !== 'initialize') headers['mcp-protocol-version'] = request.revision;
  if (request.session !== undefined) headers['mcp-session-id'] = request.session;
  if (request.era === 'legacy') return headers;
  headers['mcp-method'] = request.method;
  if (request.name !== undefined) headers['mcp-name'] = encodeHeaderValue(request.name);
  for (const name in request.paramHeaders) headers[name] = request.paramHeaders[name]!;
  return headers;
}
