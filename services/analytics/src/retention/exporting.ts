import { Problem } from '@switchyard/admin-api';
import { pause } from '@switchyard/messaging';
import { EXPORT_EVERY_MS, type Gate } from './gate.js';

const LOOK_MS = 250;
const WAIT_MS = 20_000;

/** What an export is made of. */
type Text = AsyncGenerator<string, void>;

/** Exports, of which nothing is deleted while they run. */
export class Exporting {
  readonly #gate: Gate;
  readonly #waitMs: number;

  /** @param waitMs longest wait for a deletion to end */
  constructor(gate: Gate, waitMs = WAIT_MS) {
    this.#gate = gate;
    this.#waitMs = waitMs;
  }

  /**
   * Makes the text of an export, and has nothing deleted until it is read, or nobody reads it any more.
   * @throws Problem 503 while something is being deleted; what `make` throws; StateUnavailable
   */
  run(make: () => Promise<Text>): Promise<Text>;
  run(make: () => Promise<Text | undefined>): Promise<Text | undefined>;
  async run(make: () => Promise<Text | undefined>): Promise<Text | undefined> {
    const id = await this.#begin();
    let text: Text | undefined;
    try {
      text = await make();
    } catch (error) {
      await this.#gate.endExport(id);
      throw error;
    }
    if (text !== undefined) return this.#guarded(text, id);
    await this.#gate.endExport(id);
    return undefined;
  }

  async #begin(): Promise<string> {
    for (let waitedMs = 0; ; waitedMs += LOOK_MS) {
      const id = await this.#gate.beginExport();
      if (id !== undefined) return id;
      if (waitedMs >= this.#waitMs)
        throw new Problem(503, {
          reason: 'retention_running',
          detail: 'What is older than its retention is being deleted. Export again in a minute.',
        });
      await pause(LOOK_MS, new AbortController().signal);
    }
  }

  async *#guarded(text: Text, id: string): Text {
    let isLost = false;
    const renew = async () => {
      // One that cannot say that it runs ends before it is given up.
      isLost ||= !(await this.#gate.renewExport(id).catch(() => false));
    };
    const timer = setInterval(() => void renew(), EXPORT_EVERY_MS).unref();
    try {
      for await (const part of text) {
        // Without its last line, it is no whole export.
        if (isLost) throw new Error('an export was given up: rows may have been deleted meanwhile');
        yield part;
      }
    } finally {
      clearInterval(timer);
      await this.#gate.endExport(id);
    }
  }
}
