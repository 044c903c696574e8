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

/** What a message says of itself. */
type Said = Pick<Outbound, 'era' | 'revision' | 'method' | 'name'>;

interface Begun {
  readonly lines: FieldLines;
  /** What follows, by the name of what is called, or else the method: the latest for each. */
  readonly said: Map<string, Said & { readonly lines: FieldLines }>;
}

/** Most that is remembered of one credential, and the longest name. */
const SAID_LIMIT = 1_024;
const SAID_LENGTH_LIMIT = 512;

/** What all messages with one credential begin with; a credential stays the same object as long as it is leased. */
const beginnings: Readonly<Record<OutboundKind, WeakMap<CredentialMaterial, Begun>>> = {
  message: new WeakMap(),
  stream: new WeakMap(),
  end: new WeakMap(),
};

function beginning(credential: CredentialMaterial, kind: OutboundKind): Begun {
  const known = beginnings[kind].get(credential);
  if (known !== undefined) return known;
  let lines = NO_FIELDS;
  for (const [name, value] of Object.entries(OWN[kind])) lines = withField(lines, name, value);
  for (const [name, value] of Object.entries(credential.headers))
    if (!RESERVED.has(name.toLowerCase())) lines = withField(lines, name, value);
  const begun = { lines, said: new Map() };
  beginnings[kind].set(credential, begun);
  return begun;
}

/** The beginning, and what the message says of itself: checking and joining it anew costs more than comparing it. */
function introduction({ lines, said }: Begun, { era, revision, method, name }: Said): FieldLines {
  const key = name ?? method;
  const known = said.get(key);
  if (known?.era === era && known.revision === revision && known.method === method && known.name === name) return known.lines;
  let whole = method === 'initialize' ? lines : withField(lines, 'mcp-protocol-version', revision);
  if (era === 'modern') whole = withField(whole, 'mcp-method', method);
  if (era === 'modern' && name !== undefined) whole = withField(whole, 'mcp-name', encodeHeaderValue(name));
  if (said.size >= SAID_LIMIT) said.clear();
  if (key.length <= SAID_LENGTH_LIMIT) said.set(key, { era, revision, method, name, lines: whole });
  return whole;
}

/**
 * Header fields of a request to an upstream. All are made here: none of the client's is passed on.
 * Modern: MCP-Protocol-Version, Mcp-Method, Mcp-Name, Mcp-Param-* (MCP 2026-07-28, "Standard Request Headers"); legacy: the version and
 * session headers (MCP 2025-11-25, "Session Management").
 * @throws TypeError for a field that cannot be sent
 */
export function outboundFields(request: Outbound, kind: OutboundKind): FieldLines {
  let lines = withField(introduction(beginning(request.credential, kind), request), 'x-request-id', request.requestId);
  lines = withField(lines, 'traceparent', request.traceparent);
  if (request.session !== undefined) lines = withField(lines, 'mcp-session-id', request.session);
  if (request.era === 'modern')
    for (const name in request.paramHeaders) lines = withField(lines, name, request.paramHeaders[name]!);
  return lines;
}
