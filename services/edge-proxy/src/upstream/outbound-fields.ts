import type { CredentialMaterial } from '@switchyard/contracts';
import { type FieldLines, NO_FIELDS, withField } from '@switchyard/egress';
import { encodeHeaderValue } from '@switchyard/mcp';
import type { OutboundRequest } from './link.js';

type Outbound = Pick<
  OutboundRequest,
  'era' | 'revision' | 'method' | 'name' | 'paramHeaders' | 'session' | 'credential' | 'requestId' | 'traceparent'
>;

/** What is sent: a message, or the request for a stream, or the end of a session. */
export type OutboundKind = 'message' | 'stream' | 'end';

const OWN: Readonly<Record<OutboundKind, Readonly<Record<string, string>>>> = {
  message: {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'accept-encoding': 'identity',
    'user-agent': 'switchyard',
  },
  stream: { accept: 'text/event-stream', 'accept-encoding': 'identity', 'user-agent': 'switchyard' },
  end: { accept: 'application/json, text/event-stream', 'accept-encoding': 'identity', 'user-agent': 'switchyard' },
};

/** A credential does not replace what the gateway says. */
const RESERVED: ReadonlySet<string> = new Set([
  'content-type',
  'accept',
  'accept-encoding',
  'user-agent',
  'x-request-id',
  'traceparent',
  'mcp-protocol-version',
  'mcp-session-id',
  'mcp-method',
  'mcp-name',
]);

/** What all messages with one credential begin with; a credential stays the same object as long as it is leased. */
const beginnings: Readonly<Record<OutboundKind, WeakMap<CredentialMaterial, FieldLines>>> = {
  message: new WeakMap(),
  stream: new WeakMap(),
  end: new WeakMap(),
};

function beginning(credential: CredentialMaterial, kind: OutboundKind): FieldLines {
  const known = beginnings[kind].get(credential);
  if (known !== undefined) return known;
  let lines = NO_FIELDS;
  for (const [name, value] of Object.entries(OWN[kind])) lines = withField(lines, name, value);
  for (const [name, value] of Object.entries(credential.headers))
    if (!RESERVED.has(name.toLowerCase())) lines = withField(lines, name, value);
  beginnings[kind].set(credential, lines);
  return lines;
}

/**
 * Header fields of a request to an upstream. All are made here: none of the client's is passed on.
 * Modern: MCP-Protocol-Version, Mcp-Method, Mcp-Name, Mcp-Param-* (MCP 2026-07-28, "Standard Request Headers"); legacy: the version and
 * session headers (MCP 2025-11-25, "Session Management").
 * @throws TypeError for a field that cannot be sent
 */
export function outboundFields(request: Outbound, kind: OutboundKind): FieldLines {
  let lines = withField(beginning(request.credential, kind), 'x-request-id', request.requestId);
  lines = withField(lines, 'traceparent', request.traceparent);
  if (request.method !== 'initialize') lines = withField(lines, 'mcp-protocol-version', request.revision);
  if (request.session !== undefined) lines = withField(lines, 'mcp-session-id', request.session);
  if (request.era === 'legacy') return lines;
  lines = withField(lines, 'mcp-method', request.method);
  if (request.name !== undefined) lines = withField(lines, 'mcp-name', encodeHeaderValue(request.name));
  for (const name in request.paramHeaders) lines = withField(lines, name, request.paramHeaders[name]!);
  return lines;
}
