import type { Envelope } from './envelope.js';
import { membersOf } from './json-walk.js';
import { memberEdits, prependEdit } from './member-edits.js';
import { META_KEYS } from './meta-keys.js';
import type { Edit } from './splice.js';

/** What a modern request says of itself (MCP 2026-07-28, "Request Metadata"). */
export interface RequestMeta {
  readonly protocolVersion: string;
  /** JSON text of a ClientCapabilities object. */
  readonly clientCapabilitiesJson: string;
  /** JSON text of an Implementation object. */
  readonly clientInfoJson?: string | undefined;
  /** Without it the server sends no log messages for the request. */
  readonly logLevel?: string | undefined;
}

/**
 * The edits that make a request describe itself. Whatever it says under these keys is replaced; progress token, trace context and all
 * else in `_meta` stays. Its id is the caller's to change.
 */
export function modernRequestEdits(bytes: Buffer, envelope: Envelope, meta: RequestMeta): Edit[] {
  const changes = {
    [META_KEYS.protocolVersion]: JSON.stringify(meta.protocolVersion),
    [META_KEYS.clientCapabilities]: meta.clientCapabilitiesJson,
    [META_KEYS.clientInfo]: meta.clientInfoJson,
    [META_KEYS.logLevel]: meta.logLevel === undefined ? undefined : JSON.stringify(meta.logLevel),
    [META_KEYS.relatedTask]: undefined,
  };
  const { idRange, paramsRange, metaRange } = envelope;
  if (metaRange !== undefined) return memberEdits(metaRange, membersOf(bytes, metaRange) ?? [], changes);
  const members = Object.entries(changes).flatMap(([key, json]) => (json === undefined ? [] : [`"${key}":${json}`]));
  const metaJson = `{${members.join(',')}}`;
  if (paramsRange !== undefined) return [prependEdit(bytes, paramsRange, '_meta', metaJson)];
  if (idRange === undefined) throw new Error('only requests describe themselves');
  return [{ range: { start: idRange.end, end: idRange.end }, text: `,"params":{"_meta":${metaJson}}` }];
}
