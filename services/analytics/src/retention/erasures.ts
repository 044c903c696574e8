import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { LimitedReads } from '../api/limited-reads.js';
import type { Gate } from './gate.js';
import { heldRows, type Hold } from './hold.js';
import { EVENTS } from './retained-tables.js';

/** Whose captured payloads are to be erased. */
export interface Erased {
  readonly issuer: string;
  readonly subject: string;
}

/** Whether they may be: id of the erasure, or the holds that keep them. */
export type ErasureBegun = { readonly id: string } | { readonly holds: readonly Hold[] };

/** What erasures stand on. */
export interface ErasuresDeps {
  readonly gate: Gate;
  readonly reads: Pick<LimitedReads, 'rows'>;
  readonly tenant: string;
  readonly clock: { now(): number };
}

const nameRow = z.object({ name: z.string() });
const OF_PRINCIPAL = 'tenant = {tenant:String} AND principal_issuer = {issuer:String} AND principal_subject = {subject:String}';

/**
 * Says whether legal holds let somebody's captured payloads be erased. An erasure cannot be done in part: a hold that names the principal
 * covers it, and so does one that names nobody and matches an event of theirs.
 */
export class Erasures {
  readonly #deps: ErasuresDeps;

  constructor(deps: ErasuresDeps) {
    this.#deps = deps;
  }

  /**
   * Begins an erasure where no hold covers it. A hold comes before, and refuses it, or after, and its answer says that it was under way.
   * @throws StateUnavailable; Problem 503 where the database cannot be asked
   */
  async begin(erased: Erased): Promise<ErasureBegun> {
    const { gate, clock } = this.#deps;
    for (;;) {
      const { holds } = await gate.read();
      const covering = await this.#covering(holds, erased);
      if (covering.length > 0) return { holds: covering };
      const id = randomUUID();
      const { issuer, subject } = erased;
      if (await gate.beginErasing({ id, issuer, subject, startedAtMs: clock.now() }, holds)) return { id };
    }
  }

  /** Says that an erasure is over. @throws StateUnavailable */
  async end(id: string): Promise<void> {
    await this.#deps.gate.endErasing(id);
  }

  async #covering(holds: readonly Hold[], erased: Erased): Promise<readonly Hold[]> {
    if (holds.length === 0) return [];
    const names = holds.some(({ principal }) => principal !== undefined) ? await this.#names(erased) : [];
    const covering: Hold[] = [];
    for (const hold of holds) {
      const covers = hold.principal === undefined ? await this.#matches(hold, erased) : names.includes(hold.principal);
      if (covers) covering.push(hold);
    }
    return covering;
  }

  /** What a hold may call them. */
  async #names({ issuer, subject }: Erased): Promise<string[]> {
    const { reads, tenant } = this.#deps;
    const text = `SELECT DISTINCT principal_name AS name FROM principals WHERE ${OF_PRINCIPAL}`;
    const rows = await reads.rows({ text, params: { tenant, issuer, subject } });
    return [subject, ...rows.map((row) => nameRow.parse(row).name)];
  }

  async #matches(hold: Hold, { issuer, subject }: Erased): Promise<boolean> {
    const { reads, tenant } = this.#deps;
    const { server, from, to } = hold;
    // What keeps everything keeps also what has not arrived yet.
    if (server === undefined && from === undefined && to === undefined) return true;
    const { text, params } = heldRows(EVENTS, [hold]);
    const found = await reads.rows({
      text: `SELECT 1 FROM events WHERE ${OF_PRINCIPAL} AND ${text} LIMIT 1`,
      params: { ...params, tenant, issuer, subject },
    });
    return found.length > 0;
  }
}
