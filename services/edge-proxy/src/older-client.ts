import { downgradeResult, type Edit, revisionOf } from '@switchyard/mcp';
import type { Call } from './exchange.js';
import type { UpstreamMessage } from './upstream/link.js';

/** Sessions with upstreams are of this revision, so clients of it get results as they came. */
const NEWEST_WITH_SESSIONS = '2025-11-25';

/** Whether the call is of a session whose revision lacks some of what results may hold. */
export function isOlderClient({ session }: Call): boolean {
  return session !== undefined && session.record.revision < NEWEST_WITH_SESSIONS;
}

/**
 * The edits that make a result one that an older client's revision knows ("Tools", "Prompts" of each revision).
 * @param wrapsOutput whether the client was shown a wrapped output schema for the tool
 */
export function olderClientEdits(call: Call, { bytes, envelope }: UpstreamMessage, wrapsOutput: boolean): Edit[] {
  const table = revisionOf(call.session?.record.revision ?? '');
  return table === undefined ? [] : downgradeResult(bytes, envelope, call.inbound.envelope.method, table, wrapsOutput);
}
