import { type Era, jsonAt, type ListItem, listItems, membersOf, type Range } from '@switchyard/mcp';
import type { ListKey } from '../capability-names.js';
import type { Cancellation } from '../cancellation.js';
import type { Edge } from '../edge.js';
import type { Call } from '../exchange.js';
import { fetchedList, type ListedItem, type ListHints, LISTS } from '../fetched-list.js';
import { isPooled } from '../legacy-pool.js';
import type { Fetched } from '../list-cache.js';
import { withoutOwnNamespace } from '../own-namespace.js';
import { recordHop } from '../record.js';
import { Refusal } from '../refusal.js';
import { enterUpstream, leaveUpstream } from '../upstream-session.js';
import type { UpstreamAnswer, UpstreamMessage } from '../upstream/link.js';
import { MODERN_META } from '../upstream/profile.js';
import type { Standing } from './fetch-list.js';

const PAGE_LIMIT = 200;

/** Where the era says nothing of it, a list is for whom it was fetched. */
const NO_HINTS: ListHints = { ttlMs: undefined, isPublic: false };

/** Fetches one list of one upstream, following its cursors to the end. */
export async function fetchPages(
  call: Call,
  entered: Standing,
  list: ListKey,
  cancellation: Cancellation,
  edge: Edge,
): Promise<Fetched | Refusal> {
  const { link, context } = entered;
  const upstream = link.name;
  let standing = entered;
  const items = new Map<string, ListedItem>();
  let hints = NO_HINTS;
  let bytes = 0;
  let cursor: string | undefined;
  for (let page = 0; standing.with.capabilities[LISTS[list].capability] !== undefined; page += 1) {
    if (page === PAGE_LIMIT)
      return new Refusal('upstream_invalid', `${upstream} gives more than ${PAGE_LIMIT} pages for ${LISTS[list].method}.`, {
        upstream,
      });
    const answer = await askPage(call, standing, list, cursor, cancellation, edge);
    if (answer.kind === 'sessionGone' && page === 0 && (call.session !== undefined || isPooled(standing.with))) {
      if (isPooled(standing.with)) await edge.pool.leave(standing.with);
      else if (call.session !== undefined) await leaveUpstream(call.session, upstream, standing.with);
      const reopened = await enterUpstream(call, link, context, edge);
      if (reopened instanceof Refusal) return reopened;
      standing = { ...standing, with: reopened };
      continue;
    }
    const read = readPage(upstream, list, answer, standing.era);
    if (read instanceof Refusal) return read;
    // A name that stands twice is one capability.
    for (const item of read.items) if (!items.has(item.name)) items.set(item.name, item);
    hints = page === 0 ? read.hints : joined(hints, read.hints);
    bytes += answer.kind === 'response' ? answer.message.bytes.length : 0;
    if (bytes > edge.limits.resultLimitBytes) return tooLarge(upstream, list, edge.limits.resultLimitBytes);
    if (read.nextCursor === undefined) break;
    cursor = read.nextCursor;
  }
  const all = fetchedList(upstream, [...items.values()]);
  if (list === 'tools') {
    edge.mirrored.learn(upstream, all.items);
    edge.tasks.tools.learn(upstream, all.items);
    edge.apps.learn(upstream, all.items);
  }
  return { list: all, hints };
}

const tooLarge = (upstream: string, list: ListKey, limitBytes: number) =>
  new Refusal('result_too_large', `${upstream} gives more than ${limitBytes} bytes for ${LISTS[list].method}.`, { upstream });

/** All pages of a list are kept as one (MCP 2026-07-28, "Caching"). */
const joined = (one: ListHints, other: ListHints): ListHints => ({
  ttlMs: one.ttlMs === undefined || other.ttlMs === undefined ? undefined : Math.min(one.ttlMs, other.ttlMs),
  isPublic: one.isPublic && other.isPublic,
});

async function askPage(
  call: Call,
  { link, context, with: standing, era }: Standing,
  list: ListKey,
  cursor: string | undefined,
  cancellation: Cancellation,
  edge: Edge,
): Promise<UpstreamAnswer> {
  const id = edge.ids.next();
  const { method } = LISTS[list];
  const startedAt = edge.clock.monotonicMicros();
  const answer = await link.request({
    ...context,
    era,
    revision: standing.revision,
    method,
    id,
    body: pageBody(id, method, era, cursor),
    session: 'id' in standing ? standing.id : undefined,
    timeoutMs: edge.limits.listTimeoutMs,
    limitMs: edge.limits.listTimeoutMs,
    cancellation,
    onNotification: () => undefined,
  });
  const micros = Math.round(edge.clock.monotonicMicros() - startedAt);
  recordHop(call, { upstream: link.name, method, id, micros, answer, era }, edge);
  return answer;
}

function pageBody(id: string, method: string, era: Era, cursor: string | undefined): Buffer {
  const params = { ...(cursor === undefined ? {} : { cursor }), ...(era === 'modern' ? { _meta: MODERN_META } : {}) };
  return Buffer.from(`{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${JSON.stringify(params)}}`);
}

interface Page {
  readonly items: readonly ListedItem[];
  readonly nextCursor: string | undefined;
  readonly hints: ListHints;
}

function readPage(upstream: string, list: ListKey, answer: UpstreamAnswer, era: Era): Page | Refusal {
  if (answer.kind === 'refused') return answer.refusal;
  const invalid = new Refusal('upstream_invalid', `${upstream} answered ${LISTS[list].method} with something else than a list.`, {
    upstream,
  });
  if (answer.kind === 'sessionGone') return invalid;
  const message = withoutOwnNamespace(answer.message);
  const { bytes, envelope } = message;
  // An upstream that announces a capability may still lack one of its methods.
  if (envelope.errorCode === -32601) return { items: [], nextCursor: undefined, hints: NO_HINTS };
  const page = envelope.resultRange && listItems(bytes, envelope.resultRange, list, LISTS[list].nameKey);
  if (envelope.resultRange === undefined || page === undefined) return invalid;
  return {
    items: page.items.flatMap((item) => keep(message, item)),
    nextCursor: page.nextCursor,
    hints: era === 'modern' ? hintsOf(bytes, envelope.resultRange) : NO_HINTS,
  };
}

/** What does not say how long it may be kept, as it must, is not kept (MCP 2026-07-28, "Caching"). */
function hintsOf(bytes: Buffer, result: Range): ListHints {
  const members = membersOf(bytes, result) ?? [];
  const valueOf = (name: string) => {
    const range = members.findLast(({ key }) => key === name)?.value;
    return range && jsonAt(bytes, range);
  };
  const ttlMs = valueOf('ttlMs');
  return { ttlMs: typeof ttlMs === 'number' ? ttlMs : 0, isPublic: valueOf('cacheScope') === 'public' };
}

function keep({ bytes }: UpstreamMessage, { name, range, nameRange }: ListItem): ListedItem[] {
  if (name === undefined || nameRange === undefined) return [];
  return [
    {
      name,
      text: bytes.subarray(range.start, range.end),
      nameRange: { start: nameRange.start - range.start, end: nameRange.end - range.start },
    },
  ];
}
