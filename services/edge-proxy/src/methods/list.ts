import { splice } from '@switchyard/mcp';
import type { ListKey, NameTable } from '../capability-names.js';
import type { CompiledSource } from '../catalog.js';
import type { Edge } from '../edge.js';
import { answered, type Ending, refused } from '../ending.js';
import type { Call } from '../exchange.js';
import type { FetchedList, ListedItem } from '../fetched-list.js';
import { GATEWAY_INFO } from '../gateway-info.js';
import { type PreparedList, prepareList } from '../prepared-lists.js';
import { reachableUpstreams } from '../reachable.js';
import { Refusal } from '../refusal.js';
import { audienceOf, decide } from '../stages/authorize.js';
import { fetchList, type ListPart } from './fetch-list.js';
import { allOfOtherEra, legacyOnly } from './handshake.js';
import { STATUS_TOOL, statusTool, type Unavailable } from './gateway-status.js';

/** A list over the upstreams of a server that the caller may reach: asked side by side, joined in configuration order, filtered by the one access decision. */
export async function serveList(call: Call, edge: Edge): Promise<Ending> {
  const list = call.inbound.row.listKey as ListKey;
  if (call.inbound.envelope.cursor !== undefined)
    return refused(new Refusal('cursor_invalid', 'This cursor is not one of this server’s: its lists come in one page.'));
  const upstreams = reachableUpstreams(call);
  const answers = await Promise.all(upstreams.map((upstream) => fetchList(call, upstream, list, 'kept', edge)));
  if (call.exchange.cancellation.cancelled) return refused(new Refusal('cancelled', 'The client went away.'));
  if (call.inbound.era === 'modern' && allOfOtherEra(answers)) return refused(legacyOnly(call.inbound.revision));
  const parts = answers.filter((answer): answer is ListPart => !(answer instanceof Refusal));
  const unavailable = upstreams.flatMap((upstream, index) => missing(upstream, answers[index]));
  const prepared = prepare(call, list, parts, edge);
  const notice = list === 'tools' && unavailable.length > 0 ? statusTool(unavailable) : undefined;
  call.exchange.facts.capability_kind = list === 'resourceTemplates' ? 'resource' : list.slice(0, -1);
  call.exchange.facts.detail = listDetail(prepared.count, unavailable);
  return answered(listResult(call, list, prepared, notice, unavailable));
}

const missing = (upstream: string, answer: ListPart | Refusal | undefined): Unavailable[] =>
  answer instanceof Refusal ? [{ upstream, reason: answer.reason, message: answer.message }] : [];

function prepare(call: Call, list: ListKey, parts: readonly ListPart[], edge: Edge): PreparedList {
  const { exchange, caller, inbound } = call;
  const { server, catalog } = exchange;
  const table = edge.names.table(server, inbound.era, list);
  const lists = parts.map((part) => part.list);
  const audience = audienceOf(caller.principal, server, catalog);
  return edge.prepared.get(catalog, { server, era: inbound.era, list, table, audience, lists }, () => {
    const fetched = new Map(lists.map((one) => [one.upstream, one]));
    const listed = new Set<string>();
    return prepareList(
      server.sources.flatMap((source) => itemsOf(call, source, fetched.get(source.upstream), table, list, listed)),
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
    return [renamed(item, exposed)];
  });
}

/** The item's own text, under the name that the server gives it. */
const renamed = (item: ListedItem, exposed: string): Buffer =>
  exposed === item.name ? item.text : splice(item.text, [{ range: item.nameRange, text: JSON.stringify(exposed) }]);

const listDetail = (count: number, unavailable: readonly Unavailable[]): Record<string, string> => ({
  count: String(count),
  ...(unavailable.length > 0 && { unavailable: unavailable.map(({ upstream, reason }) => `${upstream}:${reason}`).join(',') }),
});

function listResult(
  call: Call,
  list: ListKey,
  prepared: PreparedList,
  notice: Buffer | undefined,
  unavailable: readonly Unavailable[],
): Buffer {
  const meta = {
    ...(unavailable.length > 0 && { 'dev.switchyard/unavailable': unavailable }),
    ...(call.inbound.era === 'modern' && { 'io.modelcontextprotocol/serverInfo': GATEWAY_INFO }),
  };
  // What a list holds depends on the caller, so it is never public; it may change at any time, so it is not kept (MCP 2026-07-28, "Caching").
  const modern = call.inbound.era === 'modern' ? ',"resultType":"complete","ttlMs":0,"cacheScope":"private"' : '';
  const suffix = `]${modern}${Object.keys(meta).length > 0 ? `,"_meta":${JSON.stringify(meta)}` : ''}}}`;
  const head = Buffer.from(`{"jsonrpc":"2.0","id":${call.inbound.envelope.id},"result":{"${list}":[`);
  const more = notice === undefined ? [] : [Buffer.from(prepared.count > 0 ? ',' : ''), notice];
  return Buffer.concat([head, prepared.text, ...more, Buffer.from(suffix)]);
}
