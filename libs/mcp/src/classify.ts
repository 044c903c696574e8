import type { Envelope } from './envelope.js';
import { decodeHeaderValue, trimFieldValue } from './header-codec.js';
import { CODES } from './jsonrpc.js';
import { acceptsJsonAndEvents, isJsonContentType } from './media-types.js';
import { METHODS } from './methods.js';
import { isModern, isServedLegacy, isServedModern, LEGACY_REVISIONS, MODERN_REVISIONS } from './revisions.js';
import type { Era } from './revisions/era.js';

/** A header field: its value, several values for a field that stands several times, or undefined. */
export type FieldValue = string | readonly string[] | undefined;

/** The header fields of a POST that matter here. */
export interface ClassifyHead {
  /** MCP-Protocol-Version */
  readonly protocolVersion?: FieldValue;
  /** Mcp-Method */
  readonly mcpMethod?: FieldValue;
  /** Mcp-Name */
  readonly mcpName?: FieldValue;
  /** Mcp-Session-Id; says nothing about the era, and modern messages ignore it. */
  readonly sessionId?: FieldValue;
  readonly accept?: FieldValue;
  readonly contentType?: FieldValue;
}

/** Which rules a message follows. */
export interface Classified {
  readonly era: Era;
  /** For a legacy message without the version field: 2025-03-26, unless its session knows better. */
  readonly revision: string;
}

export type ClassifyReason =
  'unsupported_media_type' | 'not_acceptable' | 'invalid_request' | 'header_mismatch' | 'unsupported_version' | 'invalid_params';

export interface ClassifyRefusal {
  readonly refusal: {
    readonly reason: ClassifyReason;
    /** JSON-RPC error code. */
    readonly code: number;
    /** HTTP status. */
    readonly status: number;
    /** One sentence for the client. */
    readonly message: string;
    readonly data?: Readonly<Record<string, unknown>>;
  };
}

/** A client that sends no version field speaks at most this revision (MCP 2025-06-18, "Protocol Version Header"). */
const REVISION_WITHOUT_FIELD = '2025-03-26';
const LONGEST_ECHO = 64;

const CODE_AND_STATUS: Readonly<Record<ClassifyReason, readonly [code: number, status: number]>> = {
  unsupported_media_type: [CODES.serverError, 415],
  not_acceptable: [CODES.serverError, 406],
  invalid_request: [CODES.invalidRequest, 400],
  header_mismatch: [CODES.headerMismatch, 400],
  unsupported_version: [CODES.unsupportedVersion, 400],
  invalid_params: [CODES.invalidParams, 400],
};

function refuse(reason: ClassifyReason, message: string, data?: Readonly<Record<string, unknown>>): ClassifyRefusal {
  const [code, status] = CODE_AND_STATUS[reason];
  return { refusal: data === undefined ? { reason, code, status, message } : { reason, code, status, message, data } };
}

const mismatch = (field: string, what: string): ClassifyRefusal =>
  refuse('header_mismatch', `${field} ${what}.`, { header: field });

/** Several values read as one, joined as RFC 9110 §5.3 has it: no single value equals them. */
const joined = (value: FieldValue): string | undefined => (typeof value === 'object' ? value.join(', ') : value);

const trimmed = (value: FieldValue): string | undefined => {
  const text = joined(value);
  return text === undefined ? undefined : trimFieldValue(text);
};

/**
 * Decides which era a posted message belongs to, and whether its header fields may stand beside its body (MCP 2026-07-28, "Streamable
 * HTTP"). The body decides; the fields only cross-check. Batches never get here: the gate refuses them.
 */
export function classify(head: ClassifyHead, envelope: Envelope): Classified | ClassifyRefusal {
  if (!isJsonContentType(joined(head.contentType)))
    return refuse('unsupported_media_type', 'Content-Type must be application/json.');
  if (envelope.kind === 'request' && !acceptsJsonAndEvents(joined(head.accept))) {
    return refuse('not_acceptable', 'Accept must list application/json and text/event-stream.');
  }
  const version = trimmed(head.protocolVersion);
  if (version?.includes(',') === true) return mismatch('MCP-Protocol-Version', 'stands more than once');
  const namesModern = version !== undefined && isModern(version);
  if (envelope.kind === 'response')
    return namesModern ? refuse('invalid_request', 'Responses cannot be posted in this revision.') : legacy(version);
  if (envelope.method === 'initialize' && !claimsModern(envelope)) return handshake(version, namesModern);
  if (envelope.hasProtocolVersionKey) return modernByClaim(head, version, envelope);
  if (!namesModern) return legacy(version);
  if (envelope.kind === 'notification') return modernNotification(head, version, envelope);
  const missing = 'io.modelcontextprotocol/protocolVersion';
  return refuse('invalid_params', `A request of revision ${version} needs params._meta["${missing}"].`, { missing: [missing] });
}

/** Whether `initialize` comes in a valid modern envelope, and so is a modern request for a method that does not exist. */
function claimsModern({ protocolVersion, malformedMetaKey, clientCapabilitiesRange }: Envelope): boolean {
  const isValid = protocolVersion !== undefined && malformedMetaKey === undefined && clientCapabilitiesRange !== undefined;
  return isValid && isModern(protocolVersion);
}

/** The field is not checked further: the revision is negotiated in the body, where an unknown one gets an answer. */
function handshake(version: string | undefined, namesModern: boolean): Classified | ClassifyRefusal {
  if (namesModern) return mismatch('MCP-Protocol-Version', 'names a revision that has no initialize');
  return { era: 'legacy', revision: version !== undefined && isServedLegacy(version) ? version : REVISION_WITHOUT_FIELD };
}

function legacy(version: string | undefined): Classified | ClassifyRefusal {
  if (version === undefined) return { era: 'legacy', revision: REVISION_WITHOUT_FIELD };
  if (isServedLegacy(version)) return { era: 'legacy', revision: version };
  return unsupported(version, [...MODERN_REVISIONS, ...LEGACY_REVISIONS]);
}

function unsupported(version: string, supported: readonly string[]): ClassifyRefusal {
  const requested = version.slice(0, LONGEST_ECHO);
  return refuse('unsupported_version', `The gateway does not speak that revision; it speaks ${supported.join(', ')}.`, {
    supported,
    requested,
  });
}

/** A message that describes itself: envelope, then header = body, then the version, then the other header fields. */
function modernByClaim(head: ClassifyHead, version: string | undefined, envelope: Envelope): Classified | ClassifyRefusal {
  const problem = envelope.kind === 'request' ? envelopeProblem(envelope) : versionProblem(envelope);
  if (problem !== undefined) return problem;
  const revision = envelope.protocolVersion ?? '';
  if (version !== undefined && version !== revision)
    return mismatch('MCP-Protocol-Version', 'names another revision than the body');
  if (!isServedModern(revision)) return unsupported(revision, MODERN_REVISIONS);
  const unlike = envelope.kind === 'request' ? requestFieldsProblem(head, version, envelope) : methodFieldProblem(head, envelope);
  return unlike ?? { era: 'modern', revision };
}

/** The specification says nothing of the header fields of a posted notification, so they may be absent; what stands there must be right. */
function modernNotification(head: ClassifyHead, version: string, envelope: Envelope): Classified | ClassifyRefusal {
  if (!isServedModern(version)) return unsupported(version, MODERN_REVISIONS);
  return methodFieldProblem(head, envelope) ?? { era: 'modern', revision: version };
}

function versionProblem({ protocolVersion }: Envelope): ClassifyRefusal | undefined {
  if (protocolVersion !== undefined) return undefined;
  return refuse('invalid_params', 'params._meta["io.modelcontextprotocol/protocolVersion"] must be a string.');
}

function envelopeProblem(envelope: Envelope): ClassifyRefusal | undefined {
  const { malformedMetaKey, clientCapabilitiesRange } = envelope;
  if (malformedMetaKey !== undefined)
    return refuse('invalid_params', `params._meta["${malformedMetaKey}"] is of the wrong type.`);
  if (clientCapabilitiesRange !== undefined) return undefined;
  const missing = 'io.modelcontextprotocol/clientCapabilities';
  return refuse('invalid_params', `A request of this revision needs params._meta["${missing}"], an object.`, {
    missing: [missing],
  });
}

function requestFieldsProblem(head: ClassifyHead, version: string | undefined, envelope: Envelope): ClassifyRefusal | undefined {
  if (version === undefined) return mismatch('MCP-Protocol-Version', 'is missing');
  if (trimmed(head.mcpMethod) === undefined) return mismatch('Mcp-Method', 'is missing');
  return methodFieldProblem(head, envelope) ?? nameFieldProblem(head, envelope);
}

function methodFieldProblem(head: ClassifyHead, envelope: Envelope): ClassifyRefusal | undefined {
  const method = trimmed(head.mcpMethod);
  return method === undefined || method === envelope.method
    ? undefined
    : mismatch('Mcp-Method', 'names another method than the body');
}

function nameFieldProblem(head: ClassifyHead, envelope: Envelope): ClassifyRefusal | undefined {
  const member = METHODS.get(envelope.method)?.nameHeader;
  if (member === undefined) return undefined;
  const inBody = envelope[member];
  const raw = joined(head.mcpName);
  // A body without the name is refused for that, later.
  if (raw === undefined) return inBody === undefined ? undefined : mismatch('Mcp-Name', 'is missing');
  const inHead = decodeHeaderValue(raw);
  if (inHead === undefined) return mismatch('Mcp-Name', 'is not properly encoded');
  return inHead === inBody ? undefined : mismatch('Mcp-Name', `does not equal params.${member}`);
}
