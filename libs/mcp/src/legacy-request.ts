import type { Envelope } from './envelope.js';
import { firstRoundEdits } from './input-responses.js';
import { membersOf } from './json-walk.js';
import { memberEdits } from './member-edits.js';
import { META_KEYS } from './meta-keys.js';
import type { Edit } from './splice.js';

/** What sessions say once, or what has no meaning there. */
const NOT_LEGACY = {
  [META_KEYS.protocolVersion]: undefined,
  [META_KEYS.clientCapabilities]: undefined,
  [META_KEYS.clientInfo]: undefined,
  [META_KEYS.logLevel]: undefined,
  [META_KEYS.serverInfo]: undefined,
  [META_KEYS.subscriptionId]: undefined,
};

/**
 * The edits that take away what only modern requests carry: their description of themselves (MCP 2026-07-28, "Request Metadata"), and
 * answers and state of multi-round-trip requests. Progress token, trace context and all else stays.
 */
export function legacyRequestEdits(bytes: Buffer, envelope: Envelope): Edit[] {
  const { metaRange } = envelope;
  const metaEdits = metaRange === undefined ? [] : memberEdits(metaRange, membersOf(bytes, metaRange) ?? [], NOT_LEGACY);
  return [...firstRoundEdits(bytes, envelope), ...metaEdits];
}
