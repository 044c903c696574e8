import { type Edit, memberAt, sliceAt } from '@switchyard/mcp';
import type { Call } from './exchange.js';
import type { KeptList } from './list-cache.js';
import { isOpenToAll } from './stages/authorize.js';
import type { UpstreamMessage } from './upstream/link.js';

/** What a modern client is told of how long, and for whom, it may keep a list (MCP 2026-07-28, "Caching"). */
export interface CacheHints {
  readonly ttlMs: number;
  readonly cacheScope: 'public' | 'private';
}

/**
 * The hints of a list that is made of several: as long as the first of them may be kept, and for everybody only where every upstream
 * and the server's own rules show everybody the same. What is not complete is not to be kept.
 */
export function hintsOf(
  { exchange }: Pick<Call, 'exchange'>,
  parts: readonly KeptList[],
  isComplete: boolean,
  nowMs: number,
): CacheHints {
  if (parts.length === 0 || !isComplete) return { ttlMs: 0, cacheScope: 'private' };
  const untilMs = Math.min(...parts.map((part) => part.untilMs));
  const isPublic = parts.every((part) => part.isPublic) && isOpenToAll(exchange.server, exchange.catalog);
  return { ttlMs: Math.max(0, Math.floor(untilMs - nowMs)), cacheScope: isPublic ? 'public' : 'private' };
}

/** The edit that keeps a result from caches that all share, where the server's rules do not show it to all. */
export function privateScopeEdits({ exchange }: Call, { bytes, envelope }: UpstreamMessage): Edit[] {
  // Results may be large, and hardly any says so; escaped it is text like any other.
  const mayBePublic = bytes.includes('public') || bytes.includes('\\u');
  const range =
    !mayBePublic || isOpenToAll(exchange.server, exchange.catalog)
      ? undefined
      : memberAt(bytes, envelope.resultRange, 'cacheScope');
  return range === undefined || sliceAt(bytes, range) === '"private"' ? [] : [{ range, text: '"private"' }];
}
