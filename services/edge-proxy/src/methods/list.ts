import type { ListKey, NameTable } from '../capability-names.js';
import type { CompiledSource } from '../catalog.js';
import type { Edge } from '../edge.js';
import { answered, type Ending, refused } from '../ending.js';
import type { Call } from '../exchange.js';
import { GATEWAY_INFO } from '../gateway-info.js';
import { reachableUpstreams } from '../reachable.js';
import { Refusal } from '../refusal.js';
import { decide } from '../stages/authorize.js';
import { type FetchedList, fetchList, renamed } from './fetch-list.js';
import { allOfOtherEra, legacyOnly } from './handshake.js';
import { STATUS_TOOL, statusTool, type Unavailable } from './gateway-status.js';

/** A list over the upstreams of a server that the caller may reach: asked side by side, joined in configuration order, filtered by the one access decision. */
export async function serveList(call: Call, edge: Edge): Promise<Ending> {
  const list = call.inbound.row.listKey as ListKey;
  if (call.inbound.envelope.cursor !== undefined)
    return refused(new Refusal('cursor_invalid', 'This cursor is not one of this server’s: its lists come in one page.'));
  const upstreams = reachableUpstreams(call);
  const fetched = new Map(
    await Promise.all(upstreams.map(async (upstream) => [upstream, await fetchList(call, upstream, list, edge)] as const)),
  );
  if (call.exchange.cancellation.cancelled) return refused(new Refusal('cancelled', 'The client went away.'));
  if (call.inbound.era === 'modern' && allOfOtherEra([...fetched.values()])) return refused(legacyOnly(call.inbound.revision));
  const unavailable = [...fetched].flatMap(([upstream, answer]) =>
    answer instanceof Refusal ? [{ upstream, reason: answer.reason, message: answer.message }] : [],
  );
  const table = edge.names.table(call.exchange.server, call.inbound.era, list);
  const listed = new Set<string>();
  const items = call.exchange.server.sources.flatMap((source) =>
    itemsOf(call, source, fetched.get(source.upstream), table, list, listed),
  );
  const notice = list === 'tools' && unavailable.length > 0 ? [statusTool(unavailable)] : [];
  call.exchange.facts.capability_kind = list === 'resourceTemplates' ? 'resource' : list.slice(0, -1);
  call.exchange.facts.detail = listDetail(items.length, unavailable);
  return answered(listResult(call, list, [...items, ...notice], unavailable));
}

function itemsOf(
  call: Call,
  source: CompiledSource,
  fetched: FetchedList | Refusal | undefined,
  table: NameTable,
  list: ListKey,
  listed: Set<string>,
): Buffer[] {
  if (fetched === undefined || fetched instanceof Refusal) return [];
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

const listDetail = (count: number, unavailable: readonly Unavailable[]): Record<string, string> => ({
  count: String(count),
  ...(unavailable.length > 0 && { unavailable: unavailable.map(({ upstream, reason }) => `${upstream}:${reason}`).join(',') }),
});

function listResult(call: Call, list: ListKey, items: readonly Buffer[], unavailable: readonly Unavailable[]): Buffer {
  const meta = {
    ...(unavailable.length > 0 && { 'dev.switchyard/unavailable': unavailable }),
    ...(call.inbound.era === 'modern' && { 'io.modelcontextprotocol/serverInfo': GATEWAY_INFO }),
  };
  // What a list holds depends on the caller, so it is never public; it may change at any time, so it is not kept (MCP 2026-07-28, "Caching").
  const modern = call.inbound.era === 'modern' ? ',"resultType":"complete","ttlMs":0,"cacheScope":"private"' : '';
  const suffix = `]${modern}${Object.keys(meta).length > 0 ? `,"_meta":${JSON.stringify(meta)}` : ''}}}`;
  const comma = Buffer.from(',');
  const joined = items.flatMap((item, index) => (index === 0 ? [item] : [comma, item]));
  return Buffer.concat([
    Buffer.from(`{"jsonrpc":"2.0","id":${call.inbound.envelope.id},"result":{"${list}":[`),
    ...joined,
    Buffer.from(suffix),
  ]);
}
