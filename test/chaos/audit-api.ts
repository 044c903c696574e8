import { readCheckpoint, verifyExport } from '@switchyard/audit';
import { auditKeys, type EventView } from '@switchyard/contracts';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import type { SeenEvent, TrailVerdict } from './evidence.js';

/** The audit API, as an auditor uses it. */
export class AuditApi {
  readonly #url: string;
  readonly #key: string;

  constructor(url: string, key: string) {
    this.#url = url;
    this.#key = key;
  }

  /** Every event, newest first, as the API exports them. @throws Error where the export breaks off */
  async events(): Promise<SeenEvent[]> {
    const events: SeenEvent[] = [];
    let isComplete = false;
    for await (const line of this.#lines('/api/v1/events/export?format=ndjson')) {
      const value = JSON.parse(line.toString()) as EventView | { readonly export: { readonly complete: boolean } };
      if ('export' in value) isComplete = value.export.complete;
      else events.push(seen(value));
    }
    if (!isComplete) throw new Error(`the export of events broke off after ${events.length}`);
    return events;
  }

  /** Verifies the whole trail, trusting nothing but the key, and the checkpoints that were copied away meanwhile. */
  async verifyTrail(copiesDir: string): Promise<TrailVerdict> {
    const { keys } = auditKeys.parse(await (await this.#get('/api/v1/audit/keys')).json());
    const copies = copiesIn(copiesDir);
    const verdict = await verifyExport(this.#lines('/api/v1/audit/export'), { keys, copies });
    const newest = await readCheckpoint(copies.at(-1) ?? '', keys);
    const signed = new Map(Object.entries(newest?.heads ?? {}).map(([chain, [sequence]]) => [chain, sequence]));
    const common = { copies: copies.length, signed };
    if (verdict.ok) return { ...common, events: verdict.events, checkpoints: verdict.checkpoints };
    const fault = `line ${verdict.line} of the export, ${verdict.eventId || 'no event'}: ${verdict.sentence}`;
    return { ...common, events: 0, checkpoints: 0, fault };
  }

  /** How far the newest copied checkpoint goes. */
  async signed(copiesDir: string): Promise<ReadonlyMap<string, number>> {
    const { keys } = auditKeys.parse(await (await this.#get('/api/v1/audit/keys')).json());
    const newest = await readCheckpoint(copiesIn(copiesDir).at(-1) ?? '', keys);
    return new Map(Object.entries(newest?.heads ?? {}).map(([chain, [sequence]]) => [chain, sequence]));
  }

  async #get(what: string): Promise<Response> {
    const response = await fetch(new URL(what, this.#url), { headers: { authorization: `Bearer ${this.#key}` } });
    if (!response.ok) throw new Error(`${what}: ${response.status} ${await response.text()}`);
    return response;
  }

  async *#lines(what: string): AsyncGenerator<Buffer, void> {
    const { body } = await this.#get(what);
    let rest = Buffer.alloc(0);
    for await (const chunk of Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0])) {
      const bytes = Buffer.concat([rest, chunk as Buffer]);
      let start = 0;
      for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, start)) {
        yield bytes.subarray(start, end);
        start = end + 1;
      }
      rest = bytes.subarray(start);
    }
    if (rest.length > 0) yield rest;
  }
}

const seen = ({ event_id, type, outcome, reason, request_id, detail, emitter = '', epoch, sequence }: EventView): SeenEvent => ({
  ...{ event_id, type, outcome, emitter, epoch: Number(epoch), sequence: Number(sequence) },
  ...(reason !== undefined && { reason }),
  ...(request_id !== undefined && { request_id }),
  ...(detail !== undefined && { detail }),
});

function copiesIn(dir: string): string[] {
  const file = path.join(dir, 'checkpoints.jws');
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
}
