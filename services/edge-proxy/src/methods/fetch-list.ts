import { type Era, revisionOf } from '@switchyard/mcp';
import type { ListKey } from '../capability-names.js';
import type { Edge } from '../edge.js';
import type { Call } from '../exchange.js';
import type { FetchedList } from '../fetched-list.js';
import { isPooled } from '../legacy-pool.js';
import type { KeptList, ListAge } from '../list-cache.js';
import { outboundContext, standingLink } from '../outbound-context.js';
import { Refusal } from '../refusal.js';
import { enterUpstream } from '../upstream-session.js';
import type { LeftOut } from '../tool-forms.js';
import type { LegacySession, OutboundContext, UpstreamLink, UpstreamProfile } from '../upstream/link.js';
import { fetchPages } from './fetch-pages.js';

/** One upstream's part in a list. */
export interface ListPart {
  /** In the form that the client's revision has. */
  readonly list: FetchedList;
  readonly kept: KeptList;
  /** What no client of that revision could use. */
  readonly leftOut: readonly LeftOut[];
}

/**
 * Gets lists from several upstreams side by side and takes note of their names. What fails stays as it was known.
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
    const part = await fetchList(call, upstream, list, 'recent', edge);
    if (part instanceof Refusal) refusals.set(upstream, part);
  };
  await Promise.all(upstreams.flatMap((upstream) => lists.map((list) => fetchOne(upstream, list))));
  return refusals;
}

/**
 * Gets one list of one upstream, from memory where it may be so old, and takes note of the names.
 * @returns the list (empty where the upstream has no such capability), or why it cannot be had
 */
export async function fetchList(
  call: Call,
  upstream: string,
  list: ListKey,
  age: ListAge,
  edge: Edge,
): Promise<ListPart | Refusal> {
  const link = standingLink(call, upstream, edge);
  const standing = standingWith(call, upstream, edge);
  if (standing instanceof Refusal) return standing;
  const known = standing instanceof Promise ? undefined : fromMemory(call, standing, list, age, edge);
  if (known !== undefined) return known;
  const resting = age === 'now' ? undefined : edge.slow.resting(link, list);
  if (resting !== undefined) return (await remembered(call, standing, list, age, edge)) ?? resting;
  const usualMs = edge.limits.listTimeoutMs;
  const patienceMs = age === 'now' ? usualMs : edge.slow.patienceMs(link, list, usualMs);
  const startedAt = edge.clock.monotonicMicros();
  const part = await inTime(call, gather(call, standing, list, age, edge), upstream, patienceMs);
  const tookMs = (edge.clock.monotonicMicros() - startedAt) / 1_000;
  edge.slow.note(link, list, part instanceof Refusal ? part : undefined, tookMs);
  return part;
}

/** What it takes to ask an upstream for its lists. */
export interface Standing {
  readonly link: UpstreamLink;
  readonly context: OutboundContext;
  readonly with: LegacySession | UpstreamProfile;
  /** Spoken with the upstream. */
  readonly era: Era;
}

/** @returns a promise only where somebody has to be asked */
function standingWith(call: Call, upstream: string, edge: Edge): Standing | Refusal | Promise<Standing | Refusal> {
  const context = outboundContext(call, upstream, edge);
  if (context instanceof Promise) return context.then((leased) => enter(call, upstream, leased, edge));
  return enter(call, upstream, context, edge);
}

function enter(
  call: Call,
  upstream: string,
  context: OutboundContext | Refusal,
  edge: Edge,
): Standing | Refusal | Promise<Standing | Refusal> {
  if (context instanceof Refusal) return context;
  const link = edge.links.get(upstream, context.scope);
  const found = enterUpstream(call, link, context, edge);
  if (found instanceof Promise) return found.then((late) => standingOf(call, link, context, late));
  return standingOf(call, link, context, found);
}

function standingOf(
  call: Call,
  link: UpstreamLink,
  context: OutboundContext,
  found: LegacySession | UpstreamProfile | Refusal,
): Standing | Refusal {
  if (found instanceof Refusal) return found;
  const isModern = 'era' in found && found.era === 'modern';
  return { link, context, with: found, era: isPooled(found) ? 'legacy' : isModern ? 'modern' : call.inbound.era };
}

async function gather(
  call: Call,
  entering: Standing | Promise<Standing | Refusal>,
  list: ListKey,
  age: ListAge,
  edge: Edge,
): Promise<ListPart | Refusal> {
  const standing = await entering;
  if (standing instanceof Refusal) return standing;
  const known = fromMemory(call, standing, list, age, edge);
  if (known !== undefined) return known;
  const place = placeOf(standing, list, edge);
  const kept = await edge.lists.fetch(place, (cancellation) => fetchPages(call, standing, list, cancellation, edge));
  return kept instanceof Refusal ? kept : partOf(call, standing, list, kept, edge);
}

/** What is in memory for a caller whose session with the upstream stands. Others do not wait for theirs here. */
async function remembered(
  call: Call,
  entering: Standing | Promise<Standing | Refusal>,
  list: ListKey,
  age: ListAge,
  edge: Edge,
): Promise<ListPart | undefined> {
  const turn = new Promise<undefined>((resolve) => setImmediate(resolve, undefined));
  const standing = await Promise.race([entering, turn]);
  return standing === undefined || standing instanceof Refusal ? undefined : fromMemory(call, standing, list, age, edge);
}

const placeOf = ({ link, context, with: standing, era }: Standing, list: ListKey, edge: Edge) => ({
  upstream: link.name,
  list,
  context: edge.listContexts.of(link, standing, era, context.credential),
});

function fromMemory(call: Call, standing: Standing, list: ListKey, age: ListAge, edge: Edge): ListPart | undefined {
  const kept = edge.lists.get(placeOf(standing, list, edge), age);
  return kept && partOf(call, standing, list, kept, edge);
}

/** Takes note of the names, in the form that this client is shown. */
function partOf(call: Call, standing: Standing, list: ListKey, kept: KeptList, edge: Edge): ListPart {
  const { inbound, session } = call;
  const client = revisionOf(session?.record.revision ?? inbound.revision);
  if (client === undefined) throw new Error('a client has a revision that is not served');
  const form = list === 'tools' ? edge.toolForms.shape(kept.list, standing.era, client, edge.log) : kept.list;
  const context = edge.listContexts.of(standing.link, standing.with, standing.era, standing.context.credential);
  edge.names.learn(
    { upstream: standing.link.name, era: inbound.era, list, owner: standing.link.definition, context },
    form.names,
    edge.clock.now(),
  );
  return { list: form, kept, leftOut: edge.toolForms.leftOut(form) };
}

/** Whoever waits for an upstream does so for a time, and not when its own client has gone; what was begun goes on. */
async function inTime(
  call: Call,
  part: Promise<ListPart | Refusal>,
  upstream: string,
  patienceMs: number,
): Promise<ListPart | Refusal> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Refusal>((resolve) => {
    timer = setTimeout(
      () => resolve(new Refusal('upstream_timeout', `${upstream} did not list within ${patienceMs} ms.`, { upstream })),
      patienceMs,
    );
    call.exchange.cancellation.onCancel(() => resolve(new Refusal('cancelled', 'The client went away.')));
  });
  try {
    return await Promise.race([part, late]);
  } finally {
    clearTimeout(timer);
  }
}
