import type { Clock } from '@switchyard/runtime';
import type { KvStore } from '@switchyard/state';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { holdSchema, type Hold } from './hold.js';

const deletingSchema = z.object({ id: z.string(), name: z.string(), cutMs: z.number(), startedAtMs: z.number() });

/** A deletion that has been begun, and has not been told of as over. */
export type Deleting = z.output<typeof deletingSchema>;

const erasingSchema = z.object({ id: z.string(), issuer: z.string(), subject: z.string(), startedAtMs: z.number() });

/** An erasure of what was captured of a principal that was allowed, and has not been told of as over. */
export type Erasing = z.output<typeof erasingSchema>;

const gateSchema = z.object({
  deleting: deletingSchema.optional(),
  /** Absent where a release of before has written it. */
  erasing: z.array(erasingSchema).default([]),
  /** Until when each export is believed to run, unless it says so again; milliseconds since 1970. */
  exports: z.record(z.string(), z.number()),
  holds: z.array(holdSchema),
});

/** What exports, deletions, erasures and holds have to agree on. */
export type GateState = z.output<typeof gateSchema>;

const KEY = 'gate';
const NOTHING: GateState = { erasing: [], exports: {}, holds: [] };

/** How long an export that says nothing is believed to run. */
const EXPORT_MS = 60_000;
/** How often it says that it does. */
export const EXPORT_EVERY_MS = 15_000;
/** What became of an erasure that nobody has ended is forgotten when the same principal's is begun again, after so long. */
const FORGOTTEN_MS = 3_600_000;
/** Longer lists would not be read by anybody. */
export const MOST_HOLDS = 200;

/** Why something cannot be begun now. */
export type Refused = 'deleting' | 'exporting';

/** Whether a deletion may begin, and which holds it has to keep to. */
export type Begun = { readonly refused: Refused } | { readonly holds: readonly Hold[] };

/** What became of a hold that was to be set: `taken` where another has the name, `full` where there are too many. */
export type HoldSet = 'taken' | 'full' | Underway;

/** What was under way when a hold was set. */
export interface Underway {
  readonly during: Deleting | undefined;
  readonly erasing: readonly Erasing[];
}

/**
 * One value that all replicas change by compare-and-set, so that of a deletion and an export one comes first, and that each deletion knows
 * every hold that was there before it.
 */
export class Gate {
  readonly #kv: KvStore;
  readonly #clock: Clock;

  /** @param kv the bucket `retention` */
  constructor(kv: KvStore, clock: Clock) {
    this.#kv = kv;
    this.#clock = clock;
  }

  /** @throws StateUnavailable */
  async read(): Promise<GateState> {
    return (await this.#load()).state;
  }

  /** Begins a deletion. @returns why it may not begin; the holds that it has to keep to @throws StateUnavailable */
  async beginDeleting(deleting: Deleting): Promise<Begun> {
    return this.#change<Begun>((state) => {
      if (state.deleting !== undefined) return { result: { refused: 'deleting' } };
      if (this.#running(state).length > 0) return { result: { refused: 'exporting' } };
      return { state: { ...state, deleting, exports: {} }, result: { holds: state.holds } };
    });
  }

  /** Says that a deletion is over. @throws StateUnavailable */
  async endDeleting(id: string): Promise<void> {
    await this.#change(({ deleting, ...state }) => ({
      state: deleting === undefined || deleting.id === id ? state : { ...state, deleting },
      result: undefined,
    }));
  }

  /**
   * Begins an erasure, unless holds were set or released since it was asked which of them cover it.
   * @param asked the holds of which none does
   * @returns whether it has begun
   * @throws StateUnavailable
   */
  async beginErasing(erasing: Erasing, asked: readonly Hold[]): Promise<boolean> {
    const known = JSON.stringify(asked);
    const isStale = ({ issuer, subject, startedAtMs }: Erasing) =>
      issuer === erasing.issuer && subject === erasing.subject && startedAtMs < erasing.startedAtMs - FORGOTTEN_MS;
    return this.#change((state) => {
      if (JSON.stringify(state.holds) !== known) return { result: false };
      const others = state.erasing.filter((one) => !isStale(one));
      return { state: { ...state, erasing: [...others, erasing] }, result: true };
    });
  }

  /** Says that an erasure is over. @throws StateUnavailable */
  async endErasing(id: string): Promise<void> {
    await this.#change((state) => ({
      state: { ...state, erasing: state.erasing.filter((one) => one.id !== id) },
      result: undefined,
    }));
  }

  /** Begins an export. @returns its id; undefined while something is being deleted @throws StateUnavailable */
  async beginExport(): Promise<string | undefined> {
    const id = randomUUID();
    return this.#change((state) => {
      if (state.deleting !== undefined) return { result: undefined };
      return { state: this.#withExport(state, id), result: id };
    });
  }

  /** Says that an export goes on. @returns false where it was given up, and rows may have been deleted since @throws StateUnavailable */
  async renewExport(id: string): Promise<boolean> {
    return this.#change((state) => {
      if (state.exports[id] === undefined) return { result: false };
      return { state: this.#withExport(state, id), result: true };
    });
  }

  /** @throws StateUnavailable */
  async endExport(id: string): Promise<void> {
    await this.#change((state) => {
      const { [id]: _ended, ...exports } = state.exports;
      return { state: { ...state, exports }, result: undefined };
    });
  }

  /**
   * Sets a hold.
   * @returns where it is set, what was under way already
   * @throws StateUnavailable
   */
  async setHold(hold: Hold): Promise<HoldSet> {
    return this.#change<HoldSet>((state) => {
      if (state.holds.some(({ name }) => name === hold.name)) return { result: 'taken' };
      if (state.holds.length >= MOST_HOLDS) return { result: 'full' };
      const { deleting: during, erasing } = state;
      return { state: { ...state, holds: [...state.holds, hold] }, result: { during, erasing } };
    });
  }

  /** Takes a hold away. @returns it; undefined where there is none @throws StateUnavailable */
  async releaseHold(name: string): Promise<Hold | undefined> {
    return this.#change((state) => {
      const hold = state.holds.find((one) => one.name === name);
      if (hold === undefined) return { result: undefined };
      return { state: { ...state, holds: state.holds.filter((one) => one !== hold) }, result: hold };
    });
  }

  #running({ exports }: GateState): string[] {
    const nowMs = this.#clock.now();
    return Object.keys(exports).filter((id) => (exports[id] ?? 0) > nowMs);
  }

  #withExport(state: GateState, id: string): GateState {
    const kept = this.#running(state).map((one): [string, number] => [one, state.exports[one] ?? 0]);
    return { ...state, exports: { ...Object.fromEntries(kept), [id]: this.#clock.now() + EXPORT_MS } };
  }

  async #load(): Promise<{ readonly state: GateState; readonly revision: number | undefined }> {
    const entry = await this.#kv.get(KEY);
    if (entry === undefined) return { state: NOTHING, revision: undefined };
    return { state: gateSchema.parse(JSON.parse(Buffer.from(entry.value).toString())), revision: entry.revision };
  }

  /** Tries until nobody else has changed it meanwhile. @param change says the new state, where it is another */
  async #change<Result>(change: (state: GateState) => { readonly state?: GateState; readonly result: Result }): Promise<Result> {
    for (;;) {
      const { state, revision } = await this.#load();
      const { state: changed, result } = change(state);
      if (changed === undefined) return result;
      const value = Buffer.from(JSON.stringify(changed));
      const { ok } = await (revision === undefined ? this.#kv.create(KEY, value) : this.#kv.update(KEY, value, revision));
      if (ok) return result;
    }
  }
}
