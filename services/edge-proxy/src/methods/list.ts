import { splice } from '@switchyard/mcp';
import { type CacheHints, hintsOf } from '../cache-scope.js';
import type { ListKey, NameTable } from '../capability-names.js';
import type { CompiledSource } from '../catalog.js';
import type { Edge } from '../edge.js';
import { answered, type Ending, refused } from '../ending.js';
import type { Call } from '../exchange.js';
import type { FetchedList, ListedItem } from '../fetched-list.js';
import { GATEWAY_INFO } from '../gateway-info.js';
import { cursorTo, isOf, type ListCursor, readCursor } from '../list-cursor.js';
import { OWN_NAMESPACE } from '../own-namespace.js';
import { pageOf, type PreparedList, prepareList } from '../prepared-lists.js';
import { reachableUpstreams } from '../reachable.js';
import { Refusal } from '../refusal.js';
import { audienceOf, decide } from '../stages/authorize.js';
import { ownPage } from './own-page.js';
import { fetchList, type ListPart } from './fetch-list.js';
import { allOfOtherEra, legacyOnly } from './handshake.js';
import { STATUS_TOOL, statusTool, type Unavailable } from './gateway-status.js';

/** Longest text that an upstream's own names may make in an event. */
const DETAIL_LIMIT = 512;

/** A list over the upstreams of a server that the caller may reach: asked side by side, joined in configuration order, filtered by the one access decision. */
export async function serveList(call: Call, edge: Edge): Promise<Ending> {
  const list = call.inbound.row.listKey as ListKey;
  const { cursor: text } = call.inbound.envelope;
  const cursor = text === undefined ? undefined : readCursor(text);
  if (text !== undefined && cursor === undefined) return refused(notOurs());
  const upstreams = reachableUpstreams(call);
  const answers = await Promise.all(upstreams.map((upstream) => fetchList(call, upstream, list, 'kept', edge)));
  if (call.exchange.cancellation.cancelled) return refused(new Refusal('cancelled', 'The client went away.'));
  if (call.inbound.era === 'modern' && allOfOtherEra(answers)) return refused(legacyOnly(call.inbound.revision));
  const parts = answers.filter((answer): answer is ListPart => !(answer instanceof Refusal));
  const unavailable = upstreams.flatMap((upstream, index) => missing(upstream, answers[index]));
  const prepared = prepare(call, list, parts, edge);
  const page = pageAt(call, list, prepared, cursor, edge);
  if (page instanceof Refusal) return refused(page);
  const isFirst = cursor === undefined;
  const notice = isFirst && list === 'tools' && unavailable.length > 0 ? statusTool(unavailable) : undefined;
  const kept = parts.map((part) => part.kept);
  const hints = hintsOf(call, kept, unavailable.length === 0, edge.clock.now());
  call.exchange.facts.capability_kind = list === 'resourceTemplates' ? 'resource' : list.slice(0, -1);
  const leftOut = parts.flatMap(({ list: { upstream }, leftOut: tools }) => tools.map(({ name }) => `${upstream}:${name}`));
  call.exchange.facts.detail = listDetail(page.count, unavailable, leftOut);
  return answered(listResult(call, list, { ...page, notice, hints, unavailable }));
}

const notOurs = () =>
  new Refusal(
    'cursor_invalid',
    'This cursor is none of this list’s, or the list has changed since. List again, without a cursor.',
  );

interface Page {
  readonly count: number;
  readonly text: Buffer;
  readonly nextCursor: string | undefined;
}

/** A page of the list: all of it, where it fits on one. */
function pageAt(call: Call, list: ListKey, prepared: PreparedList, cursor: ListCursor | undefined, edge: Edge): Page | Refusal {
  const size = edge.limits.listPageItems;
  const { count, text } = prepared;
  if (cursor === undefined && count <= size) return { count, text, nextCursor: undefined };
  const { exchange, caller } = call;
  const scope = { principal: caller.principal, server: exchange.server.slug, list, digest: prepared.digest() };
  if (cursor !== undefined && (!isOf(cursor, scope) || cursor.from >= count)) return notOurs();
  const from = cursor?.from ?? 0;
  const to = Math.min(from + size, count);
  return { count: to - from, text: pageOf(prepared, from, to), nextCursor: to < count ? cursorTo(to, scope) : undefined };
}

function missing(upstream: string, answer: ListPart | Refusal | undefined): Unavailable[] {
  if (!(answer instanceof Refusal)) return [];
  const { reason, message, data } = answer;
  return [{ upstream, reason, message, ...(typeof data.url === 'string' && { url: data.url }) }];
}

function prepare(call: Call, list: ListKey, parts: readonly ListPart[], edge: Edge): PreparedList {
  const { exchange, caller, inbound } = call;
  const { server, catalog } = exchange;
  const table = edge.names.table(server, inbound.era, list);
  const lists = parts.map((part) => part.list);
  const audience = audienceOf(caller.principal, server, catalog);
  const made = { server, era: inbound.era, list, table, audience, pages: edge.apps.version, lists };
  return edge.prepared.get(catalog, made, () => {
    const fetched = new Map(lists.map((one) => [one.upstream, one]));
    const listed = new Set<string>();
    return prepareList(
      server.sources.flatMap((source) => itemsOf(call, source, fetched.get(source.upstream), table, list, listed, edge)),
    );
  });
}

function itemsOf(
  call: Call,
  source: CompiledSource,
  fetched: FetchedList | undefined,
  table: NameTable,
  list: ListKey,
  listed: Set<string>,
  edge: Edge,
): Buffer[] {
  if (fetched === undefined) return [];
  const kind = list === 'tools' ? 'tool' : list === 'prompts' ? 'prompt' : 'resource';
  const named = table.bySource.get(source);
  return fetched.items.flatMap((item) => {
    const exposed = named?.get(item.name)?.exposed;
    // A resource may have several sources; the first that the caller may use stands for all.
    if (exposed === undefined || (kind === 'tool' && exposed === STATUS_TOOL) || listed.has(exposed)) return [];
    const decision = decide(call.caller.principal, source, { kind, name: item.name }, call.exchange.catalog);
    if (!decision.allowed) return [];
    listed.add(exposed);
    return [ownPage(call, source, renamed(item, exposed), kind, edge)];
  });
}

/** The item's own text, under the name that the server gives it. */
const renamed = (item: ListedItem, exposed: string): Buffer =>
  exposed === item.name ? item.text : splice(item.text, [{ range: item.nameRange, text: JSON.stringify(exposed) }]);

const listDetail = (count: number, unavailable: readonly Unavailable[], leftOut: readonly string[]): Record<string, string> => ({
  count: String(count),
  ...(unavailable.length > 0 && { unavailable: unavailable.map(({ upstream, reason }) => `${upstream}:${reason}`).join(',') }),
  ...(leftOut.length > 0 && { left_out: leftOut.join(',').slice(0, DETAIL_LIMIT) }),
});

interface Shown extends Page {
  readonly notice: Buffer | undefined;
  readonly hints: CacheHints;
  readonly unavailable: readonly Unavailable[];
}

function listResult(call: Call, list: ListKey, { count, text, nextCursor, notice, hints, unavailable }: Shown): Buffer {
  const isModern = call.inbound.era === 'modern';
  const meta = {
    ...(unavailable.length > 0 && { [`${OWN_NAMESPACE}unavailable`]: unavailable }),
    ...(isModern && { 'io.modelcontextprotocol/serverInfo': GATEWAY_INFO }),
  };
  const after = {
    ...(nextCursor !== undefined && { nextCursor }),
    ...(isModern && { resultType: 'complete', ...hints }),
    ...(Object.keys(meta).length > 0 && { _meta: meta }),
  };
  const members = JSON.stringify(after).slice(1, -1);
  const head = Buffer.from(`{"jsonrpc":"2.0","id":${call.inbound.envelope.id},"result":{"${list}":[`);
  const more = notice === undefined ? [] : [Buffer.from(count > 0 ? ',' : ''), notice];
  return Buffer.concat([head, text, ...more, Buffer.from(`]${members === '' ? '' : `,${members}`}}}`)]);
}
