import type { Envelope } from './envelope.js';
import { isObjectAt, jsonAt, memberAt, membersOf, stringAt } from './json-walk.js';
import { CODES } from './jsonrpc.js';
import { memberEdits } from './member-edits.js';
import type { Era } from './revisions/era.js';
import type { Edit } from './splice.js';

/** What to make of an upstream's error. */
export type ErrorVerdict =
  /** Give it on as it is. */
  | { readonly kind: 'relay' }
  /** Give it on with this code: see `errorCodeEdits`. */
  | { readonly kind: 'recode'; readonly code: number }
  /** Ask the client for elicitations by URL: see `readUrlElicitations`. */
  | { readonly kind: 'url_elicitations' }
  /** Not the client's business: it is about the hop between gateway and upstream. */
  | { readonly kind: 'inner_hop'; readonly problem: InnerHopProblem };

/** What an upstream finds wrong with what the gateway, not the client, wrote. */
export type InnerHopProblem = 'header_mismatch' | 'missing_capability' | 'unsupported_version';

const INNER_HOP: ReadonlyMap<number, InnerHopProblem> = new Map([
  [CODES.headerMismatch, 'header_mismatch'],
  [CODES.missingClientCapability, 'missing_capability'],
  [CODES.unsupportedVersion, 'unsupported_version'],
]);

const RELAY: ErrorVerdict = { kind: 'relay' };
const HIDDEN: ErrorVerdict = { kind: 'recode', code: CODES.internalError };

/** Codes that every implementation may use for its own purposes. */
const isOwnPurpose = (code: number): boolean => code <= -32000 && code >= -32019;
/** Codes that only the specification gives a meaning, from 2026-07-28 on. */
const isReserved = (code: number): boolean => code <= -32020 && code >= -32099;

/**
 * What becomes of an upstream's error on its way to a client (MCP 2026-07-28, "Error Handling"; MCP 2025-11-25, "Resources",
 * "Elicitation"). Modern peers must not send the codes for a missing resource and for elicitations by URL; what they say of envelope
 * and header fields speaks of those that the gateway wrote.
 * @param from era of the upstream @param to era of the client
 */
export function translateError(code: number, from: Era, to: Era): ErrorVerdict {
  if (from === 'modern') return translateModern(code, to);
  if (to === 'legacy') return RELAY;
  if (code === CODES.resourceNotFound) return { kind: 'recode', code: CODES.invalidParams };
  if (code === CODES.urlElicitationRequired) return { kind: 'url_elicitations' };
  return isOwnPurpose(code) || isReserved(code) ? HIDDEN : RELAY;
}

function translateModern(code: number, to: Era): ErrorVerdict {
  const problem = INNER_HOP.get(code);
  if (problem !== undefined) return { kind: 'inner_hop', problem };
  if (to === 'legacy') return isReserved(code) ? HIDDEN : RELAY;
  if (code === CODES.resourceNotFound) return { kind: 'recode', code: CODES.invalidParams };
  return code === CODES.urlElicitationRequired ? HIDDEN : RELAY;
}

/**
 * The edits that give an error another code. The message stays; so does its data, unless a URI must be said in it and it is no object.
 * @param uri of the resource that the request named: said in `data.uri`, where modern clients look for it, unless it stands there
 */
export function errorCodeEdits(bytes: Buffer, { errorRange }: Envelope, code: number, uri?: string): Edit[] {
  const members = errorRange && membersOf(bytes, errorRange);
  if (errorRange === undefined || members === undefined) throw new Error('the message is no error');
  const data = members.findLast(({ key }) => key === 'data')?.value;
  const changes: Record<string, string | undefined> = { code: String(code) };
  if (uri === undefined) return memberEdits(errorRange, members, changes);
  const uriJson = JSON.stringify(uri);
  if (data !== undefined && isObjectAt(bytes, data) && members.filter(({ key }) => key === 'data').length === 1) {
    const found = memberAt(bytes, data, 'uri');
    const isThere = found !== undefined && stringAt(bytes, found) !== undefined;
    const dataEdits = isThere ? [] : memberEdits(data, membersOf(bytes, data) ?? [], { uri: uriJson });
    return [...memberEdits(errorRange, members, changes), ...dataEdits];
  }
  return memberEdits(errorRange, members, { ...changes, data: `{"uri":${uriJson}}` });
}

/** The capabilities whose lack a modern server complains of: `data.requiredCapabilities`, untrusted. */
export function missingCapabilities(bytes: Buffer, { errorRange }: Envelope): unknown {
  const range = memberAt(bytes, errorRange, 'data', 'requiredCapabilities');
  return range && jsonAt(bytes, range);
}

/**
 * A tool's failure in words: what models get to see, unlike errors of the protocol (MCP 2025-11-25, "Tools", "Error Handling").
 * @param idText JSON text of the id of the request that it answers
 * @param era of the client
 */
export function toolErrorResponse(idText: string, message: string, era: Era): Buffer {
  const type = era === 'modern' ? '"resultType":"complete",' : '';
  const content = `"content":[{"type":"text","text":${JSON.stringify(message)}}],"isError":true`;
  return Buffer.from(`{"jsonrpc":"2.0","id":${idText},"result":{${type}${content}}}`);
}
