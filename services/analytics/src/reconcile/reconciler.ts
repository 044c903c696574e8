import type { Audit } from '@switchyard/audit';
import { emitterProgress, parseEmitterProgressKey } from '@switchyard/contracts';
import type { Clock } from '@switchyard/runtime';
import type { KvStore } from '@switchyard/state';
import type { Logger } from '@switchyard/telemetry';
import type { Engine } from '../engine/engine.js';
import { type Gap, GapTable } from './gap-table.js';
import { findMissing, readPresent } from './missing-sequences.js';
import { intersect, type Range, sizeOf, subtract } from './ranges.js';

/** What the reconciler stands on. */
export interface ReconcilerDeps {
  readonly engine: Engine;
  /** The bucket `emitters`. */
  readonly emitters: KvStore;
  readonly audit: Pick<Audit, 'record'>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Longest that an event may be on its way, milliseconds: what was forwarded longer ago has to be there. */
const ON_THE_WAY_MS = 5 * 60_000;
/** An emitter that says nothing for so long has ended: what it recorded and never forwarded is missing. */
const SILENT_MS = 5 * 60_000;

/** What was said of an emitter's boot, and since when that stands. */
interface Said {
  readonly through: number;
  readonly sinceMs: number;
}

/** What a run has found. */
export interface Reconciled {
  readonly open: readonly Gap[];
  readonly found: readonly Gap[];
  readonly closed: readonly Gap[];
}

/**
 * Compares, for each emitter and boot, the sequences that the database has with those that the emitter says it has recorded. What is
 * missing in two runs is a gap: it is put on record, and again when it has closed.
 */
export class Reconciler {
  readonly #deps: ReconcilerDeps;
  readonly #table: GapTable;
  #before: ReadonlyMap<string, readonly Range[]> | undefined;
  /** By `<emitter>/<epoch>`: what has been said lately, and what stood for long. */
  readonly #said = new Map<string, { latest: Said; through: number }>();

  constructor(deps: ReconcilerDeps) {
    this.#deps = deps;
    this.#table = new GapTable(deps.engine, deps.clock);
  }

  /** @throws EngineError, StateUnavailable: then nothing is known, and the next run finds out */
  async run(): Promise<Reconciled> {
    const missing = await this.#missing();
    const open = await this.#table.open();
    const found = this.#newGaps(missing, open);
    const closed = open.filter((gap) => sizeOf(stillMissing(gap, missing)) < sizeOf([gap]));
    // Of a gap that was filled in part, the rest stays open.
    const rest = closed.flatMap((gap) => stillMissing(gap, missing).map((range) => ({ ...gap, ...range })));
    await this.#table.found([...found, ...rest]);
    await this.#table.closed(closed);
    this.#before = missing;
    for (const gap of found) await this.#tell('audit.gap_found', gap, 0);
    for (const gap of closed) await this.#tell('audit.gap_closed', gap, sizeOf(stillMissing(gap, missing)));
    const unchanged = open.filter((gap) => !closed.includes(gap));
    return { open: [...unchanged, ...rest, ...found], found, closed };
  }

  #newGaps(missing: ReadonlyMap<string, readonly Range[]>, open: readonly Gap[]): Gap[] {
    const foundAtMs = this.#deps.clock.now();
    return [...missing].flatMap(([key, ranges]) => {
      const twice = intersect(ranges, this.#before?.get(key) ?? []);
      const known = open.filter((gap) => keyOf(gap) === key);
      return subtract(twice, known).map((range) => ({ ...namesOf(key), ...range, foundAtMs }));
    });
  }

  /** By `<emitter>/<epoch>`. */
  async #missing(): Promise<Map<string, Range[]>> {
    const said = await this.#readSaid();
    const present = await readPresent(this.#deps.engine);
    const missing = new Map<string, Range[]>();
    for (const key of new Set([...present.keys(), ...said.keys()])) {
      const has = present.get(key) ?? { ...namesOf(key), greatest: 0, parts: new Map<number, never>() };
      const ranges = await findMissing(this.#deps.engine, has, Math.max(has.greatest, said.get(key) ?? 0));
      if (ranges.length > 0) missing.set(key, ranges);
    }
    return missing;
  }

  /** Up to which sequence everything has to be there, by what emitters said long enough ago. */
  async #readSaid(): Promise<Map<string, number>> {
    const { emitters, clock } = this.#deps;
    const nowMs = clock.now();
    const through = new Map<string, number>();
    for (const key of await emitters.keys('progress/')) {
      const names = parseEmitterProgressKey(key);
      const entry = names && (await emitters.get(key));
      if (names === undefined || entry === undefined) continue;
      const progress = emitterProgress.parse(JSON.parse(Buffer.from(entry.value).toString()));
      const name = keyOf(names);
      const aged = this.#aged(name, progress.forwarded, nowMs);
      through.set(name, nowMs - progress.at_ms > SILENT_MS ? Math.max(aged, progress.written) : aged);
    }
    return through;
  }

  /** What stood long enough for all of it to have arrived. Told by this process' clock alone. */
  #aged(name: string, forwarded: number, nowMs: number): number {
    let said = this.#said.get(name);
    if (said === undefined) this.#said.set(name, (said = { latest: { through: forwarded, sinceMs: nowMs }, through: 0 }));
    if (nowMs - said.latest.sinceMs >= ON_THE_WAY_MS) {
      said.through = said.latest.through;
      said.latest = { through: forwarded, sinceMs: nowMs };
    }
    return said.through;
  }

  async #tell(type: 'audit.gap_found' | 'audit.gap_closed', gap: Gap, stillMissingCount: number): Promise<void> {
    const { emitter, epoch, first, last } = gap;
    const { audit, log } = this.#deps;
    const detail = { emitter, epoch: `${epoch}`, first: `${first}`, last: `${last}` };
    if (type === 'audit.gap_found') {
      log.error('events are missing: the database has not what was recorded', { emitter, sequence: first, count: sizeOf([gap]) });
      await audit.record({ type, outcome: 'error', origin: 'gateway', detail: { ...detail, missing: `${sizeOf([gap])}` } });
    } else await audit.record({ type, outcome: 'ok', detail: { ...detail, still_missing: `${stillMissingCount}` } });
  }
}

const keyOf = ({ emitter, epoch }: Pick<Gap, 'emitter' | 'epoch'>) => `${emitter}/${epoch}`;

function namesOf(key: string): Pick<Gap, 'emitter' | 'epoch'> {
  const slash = key.lastIndexOf('/');
  return { emitter: key.slice(0, slash), epoch: Number(key.slice(slash + 1)) };
}

const stillMissing = (gap: Gap, missing: ReadonlyMap<string, readonly Range[]>) =>
  intersect([gap], missing.get(keyOf(gap)) ?? []);
