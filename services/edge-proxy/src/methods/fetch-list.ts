import type { Era, ListItem } from '@switchyard/mcp';
import { listItems, memberAt, modernToolEdits, splice } from '@switchyard/mcp';
import type { ListKey } from '../capability-names.js';
import { Cancellation } from '../cancellation.js';
import type { Edge } from '../edge.js';
import type { Call } from '../exchange.js';
import { isPooled } from '../legacy-pool.js';
import { outboundContext } from '../outbound-context.js';
import { recordHop } from '../record.js';
import { Refusal } from '../refusal.js';
import { enterUpstream, leaveUpstream } from '../upstream-session.js';
import type {
  LegacySession,
  OutboundContext,
  UpstreamAnswer,
  UpstreamLink,
  UpstreamMessage,
  UpstreamProfile,
} from '../upstream/link.js';
import { MODERN_META } from '../upstream/profile.js';
import { unusableTool } from './unusable-tool.js';

/** One list of an upstream, all its pages. */
export interface FetchedList {
  readonly upstream: string;
  readonly items: readonly {
    readonly name: string;
    readonly text: Buffer;
    /** Text of the naming member within `text`. */ readonly nameRange: { start: number; end: number };
  }[];
}

interface ListRow {
  readonly method: string;
  readonly nameKey: string;
  /** Server capability without which an upstream has no such list. */
  readonly capability: string;
}

/** The four lists (MCP, "Pagination"). */
export const LISTS: Readonly<Record<ListKey, ListRow>> = {
  tools: { method: 'tools/list', nameKey: 'name', capability: 'tools' },
  prompts: { method: 'prompts/list', nameKey: 'name', capability: 'prompts' },
  resources: { method: 'resources/list', nameKey: 'uri', capability: 'resources' },
  resourceTemplates: { method: 'resources/templates/list', nameKey: 'uriTemplate', capability: 'resources' },
};

const PAGE_LIMIT = 200;

/**
 * Fetches lists from several upstreams side by side and takes note of their names. What fails stays as it was known.
 * @returns why, by upstream, where a list cannot be had
 */
export async function fetchLists(
  call: Call,
  upstreams: readonly string[],
  lists: readonly ListKey[],
  edge: Edge,
): Promise<ReadonlyMap<string, Refusal>> {
  const refusals = new Map<string, Refusal>();
  const fetchOne = async (upstream: string, list: ListKey) => {
    const fetched = await fetchList(call, upstream, list, edge);
    if (fetched instanceof Refusal) refusals.set(upstream, fetched);
  };
  await Promise.all(upstreams.flatMap((upstream) => lists.map((list) => fetchOne(upstream, list))));
  return refusals;
}

/**
 * Fetches one list of one upstream, following its cursors to the end, and takes note of the names.
 * @returns the list (empty where the upstream has no such capability), or why it cannot be had
 */
export async function fetchList(call: Call, upstream: string, list: ListKey, edge: Edge): Promise<FetchedList | Refusal> {
  const deadline = AbortSignal.any([call.exchange.cancellation.signal, AbortSignal.timeout(edge.limits.listTimeoutMs)]);
  const late = new Promise<Refusal>((resolve) => {
    deadline.addEventListener('abort', () => resolve(tooLate(upstream, edge)), { once: true });
  });
  return Promise.race([fetchPages(call, upstream, list, edge, deadline), late]);
}

const tooLate = (upstream: string, edge: Edge) =>
  new Refusal('upstream_timeout', `${upstream} did not list within ${edge.limits.listTimeoutMs} ms.`, { upstream });

async function fetchPages(
  call: Call,
  upstream: string,
  list: ListKey,
  edge: Edge,
  signal: AbortSignal,
): Promise<FetchedList | Refusal> {
  const context = await outboundContext(call, upstream, edge);
  if (context instanceof Refusal) return context;
  const link = edge.links.get(upstream);
  let standing = await enterUpstream(call, link, context, edge);
  if (standing instanceof Refusal) return standing;
  const items = new Map<string, FetchedList['items'][number]>();
  let cursor: string | undefined;
  for (let page = 0; standing.capabilities[LISTS[list].capability] !== undefined; page += 1) {
    if (page === PAGE_LIMIT) return endless(upstream, list);
    const answer = await askPage(call, link, standing, context, list, cursor, edge, signal);
    if (answer.kind === 'sessionGone' && page === 0 && (call.session !== undefined || isPooled(standing))) {
      if (isPooled(standing)) await edge.pool.leave(standing);
      else if (call.session !== undefined) await leaveUpstream(call.session, upstream, standing);
      standing = await enterUpstream(call, link, context, edge);
      if (standing instanceof Refusal) return standing;
      continue;
    }
    const read = readPage(upstream, list, answer);
    if (read instanceof Refusal) return read;
    const own =
      list === 'tools' && isModern(standing) ? edge.toolForms.forLegacy(call, upstream, read.items, edge.log) : read.items;
    // A name that stands twice is one capability.
    for (const item of own)
      if (!items.has(item.name) && isUsable(call, upstream, list, item, edge))
        items.set(item.name, isPooled(standing) && list === 'tools' ? modernTool(item) : item);
    if (read.nextCursor === undefined) break;
    cursor = read.nextCursor;
  }
  if (list === 'tools') edge.mirrored.learn(upstream, [...items.values()]);
  edge.names.learn(upstream, call.inbound.era, list, [...items.keys()], edge.clock.now());
  return { upstream, items: [...items.values()] };
}

/** A legacy server's tool, as modern clients know tools. */
function modernTool(item: FetchedList['items'][number]): FetchedList['items'][number] {
  const edits = modernToolEdits(item.text, { start: 0, end: item.text.length });
  if (edits.length === 0) return item;
  const text = splice(item.text, edits);
  const nameRange = memberAt(text, { start: 0, end: text.length }, 'name');
  return nameRange === undefined ? item : { ...item, text, nameRange };
}

/** One tool that clients cannot use must not cost them the others: it is left out, and the log says why. */
function isUsable(
  call: Call,
  upstream: string,
  list: ListKey,
  { name, text }: FetchedList['items'][number],
  edge: Edge,
): boolean {
  const reason = list === 'tools' && call.inbound.era === 'modern' ? unusableTool(text) : undefined;
  if (reason !== undefined) edge.log.warn('a tool is left out', { upstream, capability: name, reason });
  return reason === undefined;
}

const isModern = (standing: LegacySession | UpstreamProfile) => 'era' in standing && standing.era === 'modern';

const endless = (upstream: string, list: ListKey) =>
  new Refusal('upstream_invalid', `${upstream} gives more than ${PAGE_LIMIT} pages for ${LISTS[list].method}.`, { upstream });

async function askPage(
  call: Call,
  link: UpstreamLink,
  standing: LegacySession | UpstreamProfile,
  context: OutboundContext,
  list: ListKey,
  cursor: string | undefined,
  edge: Edge,
  signal: AbortSignal,
): Promise<UpstreamAnswer> {
  const id = edge.ids.next();
  const { method } = LISTS[list];
  const era = isPooled(standing) ? 'legacy' : isModern(standing) ? 'modern' : call.inbound.era;
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
    cancellation: Cancellation.following(signal),
    onNotification: () => undefined,
  });
  const micros = Math.round(edge.clock.monotonicMicros() - startedAt);
  recordHop(call, { upstream: link.name, method, id, micros, answer }, edge);
  return answer;
}

function pageBody(id: string, method: string, era: Era, cursor: string | undefined): Buffer {
  const params = { ...(cursor === undefined ? {} : { cursor }), ...(era === 'modern' ? { _meta: MODERN_META } : {}) };
  return Buffer.from(`{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${JSON.stringify(params)}}`);
}

function readPage(
  upstream: string,
  list: ListKey,
  answer: UpstreamAnswer,
): { items: FetchedList['items']; nextCursor: string | undefined } | Refusal {
  if (answer.kind === 'refused') return answer.refusal;
  const invalid = new Refusal('upstream_invalid', `${upstream} answered ${LISTS[list].method} with something else than a list.`, {
    upstream,
  });
  if (answer.kind === 'sessionGone') return invalid;
  const { bytes, envelope } = answer.message;
  // An upstream that announces a capability may still lack one of its methods.
  if (envelope.errorCode === -32601) return { items: [], nextCursor: undefined };
  const page = envelope.resultRange && listItems(bytes, envelope.resultRange, list, LISTS[list].nameKey);
  if (page === undefined) return invalid;
  return { items: page.items.flatMap((item) => keep(answer.message, item)), nextCursor: page.nextCursor };
}

function keep({ bytes }: UpstreamMessage, { name, range, nameRange }: ListItem): FetchedList['items'] {
  if (name === undefined || nameRange === undefined) return [];
  return [
    {
      name,
      text: bytes.subarray(range.start, range.end),
      nameRange: { start: nameRange.start - range.start, end: nameRange.end - range.start },
    },
  ];
}

/** The item's own text, under the name that the server gives it. */
export function renamed(item: FetchedList['items'][number], exposed: string): Buffer {
  return exposed === item.name ? item.text : splice(item.text, [{ range: item.nameRange, text: JSON.stringify(exposed) }]);
}
