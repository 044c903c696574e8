import { CODES, jsonAt, memberAt } from '@switchyard/mcp';
import { GATEWAY_INFO } from '../gateway-info.js';
import { Refusal } from '../refusal.js';
import type { UpstreamMessage, UpstreamProfile } from './link.js';

/** Revision that the gateway asks legacy upstreams for. */
export const LEGACY_UPSTREAM_REVISION = '2025-11-25';

/** Revision that the gateway speaks with modern upstreams. */
export const MODERN_UPSTREAM_REVISION = '2026-07-28';

/** Capabilities of clients that the gateway carries: what they allow an upstream to ask has a way to the client and back. */
export const CARRIED_CAPABILITIES: ReadonlySet<string> = new Set(['elicitation', 'sampling', 'roots']);

/** All of them, for a process that clients share: each client is asked only what it declared itself. */
export const EVERY_CARRIED_CAPABILITY = {
  elicitation: { form: {}, url: {} },
  sampling: { tools: {} },
  roots: { listChanged: true },
};

/**
 * `initialize` towards an upstream.
 * @param id JSON text
 * @param capabilities ClientCapabilities; an upstream does not ask for what is not among them
 */
export function initializeBody(id: string, capabilities: Readonly<Record<string, unknown>>): Buffer {
  const params = { protocolVersion: LEGACY_UPSTREAM_REVISION, capabilities, clientInfo: GATEWAY_INFO };
  return Buffer.from(`{"jsonrpc":"2.0","id":${id},"method":"initialize","params":${JSON.stringify(params)}}`);
}

/** `notifications/initialized`. */
export const INITIALIZED_BODY = Buffer.from('{"jsonrpc":"2.0","method":"notifications/initialized"}');

/** `notifications/cancelled` for one of the gateway's own requests. @param id JSON text */
export function cancelledBody(id: string): Buffer {
  return Buffer.from(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${id}}}`);
}

/** The envelope that modern requests of the gateway's own carry (MCP 2026-07-28, "Request metadata"). */
export const MODERN_META = {
  'io.modelcontextprotocol/protocolVersion': MODERN_UPSTREAM_REVISION,
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': GATEWAY_INFO,
};

/** `server/discover` towards an upstream. @param id JSON text */
export function discoverBody(id: string): Buffer {
  return Buffer.from(
    `{"jsonrpc":"2.0","id":${id},"method":"server/discover","params":${JSON.stringify({ _meta: MODERN_META })}}`,
  );
}

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

function resultOf(message: UpstreamMessage): Json | undefined {
  const range = message.envelope.resultRange;
  const result: unknown = range && JSON.parse(message.bytes.toString('utf8', range.start, range.end));
  return isObject(result) ? result : undefined;
}

function profile(result: Json, revision: string): UpstreamProfile {
  return {
    revision,
    capabilities: isObject(result.capabilities) ? result.capabilities : {},
    instructions: typeof result.instructions === 'string' ? result.instructions : '',
  };
}

/** Errors with which servers that know no handshake meet one: the method, the revision, the header fields or the envelope are not right. */
const OTHER_ERA: ReadonlySet<number> = new Set([-32601, -32022, -32020, -32602, -32600]);

/**
 * Reads the answer to `initialize`.
 * @returns a refusal where the upstream does not speak the legacy era, or talks garbage
 */
export function readInitializeResult(upstream: string, message: UpstreamMessage): UpstreamProfile | Refusal {
  const result = resultOf(message);
  const code = message.envelope.errorCode;
  if (code !== undefined && OTHER_ERA.has(code)) return eraMismatch(upstream, 'a revision with sessions (2025-11-25 or older)');
  if (code !== undefined)
    return new Refusal('upstream_invalid', `${upstream} refused initialize with error ${code}.`, { upstream });
  if (result === undefined)
    return new Refusal('upstream_invalid', `${upstream} answered initialize without a result.`, { upstream });
  if (typeof result.protocolVersion !== 'string')
    return new Refusal('upstream_invalid', `${upstream} answered initialize without a protocol version.`, { upstream });
  return profile(result, result.protocolVersion);
}

/** Reads the answer to `server/discover`; undefined where it is no evidence of the modern era. */
export function readDiscoverResult(message: UpstreamMessage): UpstreamProfile | undefined {
  const result = resultOf(message);
  const versions = result?.supportedVersions;
  if (result === undefined || !Array.isArray(versions) || !versions.includes(MODERN_UPSTREAM_REVISION)) return undefined;
  return profile(result, MODERN_UPSTREAM_REVISION);
}

/** Whether the answer is the error for an unsupported version, and lists the gateway's as supported (MCP 2026-07-28, "Protocol Version Negotiation"). */
export function namesOurRevision({ bytes, envelope }: UpstreamMessage): boolean {
  if (envelope.errorCode !== CODES.unsupportedVersion) return false;
  const range = memberAt(bytes, envelope.errorRange, 'data', 'supported');
  const supported = range && jsonAt(bytes, range);
  return Array.isArray(supported) && supported.includes(MODERN_UPSTREAM_REVISION);
}

/** The upstream is there, and does not speak the era. */
export function eraMismatch(upstream: string, wanted: string): Refusal {
  return new Refusal(
    'era_mismatch',
    `${upstream} does not speak ${wanted}, nor another revision of MCP that the gateway could use. Whoever runs it can say which it speaks.`,
    { upstream },
  );
}
