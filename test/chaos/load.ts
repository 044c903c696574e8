import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { type Random, randomFrom } from '../fuzz/random.mjs';
import { CALL_KINDS, type CallKindName } from './call-kinds.js';
import { newClient } from './client.js';
import { type EdgeName, EDGES } from './fault-kinds.js';
import type { Answer, ClientLine } from './ledgers.js';

/** What clients are told. */
export interface LoadOptions {
  readonly seed: number;
  /** Calls that are begun each second, whether the ones before have ended or not. */
  readonly rate: number;
  readonly host: string;
  readonly ports: Readonly<Record<EdgeName, number>>;
  readonly keys: readonly string[];
  readonly slugs: readonly string[];
  readonly ledgerFile: string;
  /** Milliseconds since the start. */
  readonly nowMs: () => number;
}

/** Clients at work. */
export interface Load {
  /** Begins no more calls, and waits for those that have begun. */
  stop(): Promise<LoadFigures>;
}

/** What was asked of the gateway. */
export interface LoadFigures {
  readonly begun: number;
  readonly seconds: number;
  /** Calls that were due and not begun, because an edge had too many in hand. */
  readonly heldBack: number;
  readonly answers: ReadonlyMap<string, number>;
}

const CLIENTS = 32;
const IN_HAND_LIMIT = 250;
const TICK_MS = 5;
const SYNC_MS = 250;

/** Sets clients of both eras to work on both edges. Each call is in the ledger before it is made, and again with its answer. */
export function startLoad(o: LoadOptions): Load {
  const random = randomFrom(o.seed ^ 0x5eed);
  const ledger = openSync(o.ledgerFile, 'a');
  const write = (line: ClientLine) => void writeSync(ledger, `${JSON.stringify(line)}\n`);
  const answers = new Map<string, number>();
  const inHand: Record<EdgeName, Set<Promise<void>>> = { 'edge-1': new Set(), 'edge-2': new Set() };
  let requests = 0;
  let begun = 0;
  let heldBack = 0;
  const requestId = () => {
    const id = `r-${o.seed}-${(requests += 1)}`;
    write({ line: 'request', id });
    return id;
  };
  const clients = Array.from({ length: CLIENTS }, (_, index) =>
    newClient({
      era: index % 3 === 0 ? 'legacy' : 'modern',
      host: o.host,
      slug: o.slugs[index % o.slugs.length]!,
      key: o.keys[index % o.keys.length]!,
      requestId,
    }),
  );
  const call = async (id: string, edge: EdgeName) => {
    const kind = drawKind(random);
    write({ line: 'began', call: { id, edge, kind, beganAtMs: o.nowMs() } });
    const answer = await clients[Math.floor(random() * CLIENTS)]!.call(id, kind, o.ports[edge]);
    write({ line: 'ended', id, atMs: o.nowMs(), answer });
    const name = nameOf(answer);
    answers.set(name, (answers.get(name) ?? 0) + 1);
  };
  const begin = () => {
    const edge = EDGES[Math.floor(random() * EDGES.length)]!;
    if (inHand[edge].size >= IN_HAND_LIMIT) return void (heldBack += 1);
    begun += 1;
    const calling: Promise<void> = call(`c-${o.seed}-${begun}`, edge).finally(() => inHand[edge].delete(calling));
    inHand[edge].add(calling);
  };
  const startedAtMs = o.nowMs();
  const ticking = setInterval(() => {
    const due = ((o.nowMs() - startedAtMs) * o.rate) / 1000;
    while (begun + heldBack < due) begin();
  }, TICK_MS);
  const syncing = setInterval(() => fdatasyncSync(ledger), SYNC_MS);
  return {
    stop: async () => {
      clearInterval(ticking);
      const seconds = (o.nowMs() - startedAtMs) / 1000;
      await Promise.all(EDGES.flatMap((edge) => [...inHand[edge]]));
      clearInterval(syncing);
      fdatasyncSync(ledger);
      closeSync(ledger);
      return { begun, seconds, heldBack, answers };
    },
  };
}

const nameOf = (answer: Answer) => (answer.kind === 'refused' ? answer.reason : answer.kind);

function drawKind(random: Random): CallKindName {
  const kinds = Object.keys(CALL_KINDS) as CallKindName[];
  let rest = random() * 100;
  return kinds.find((kind) => (rest -= CALL_KINDS[kind].share) < 0) ?? 'read';
}
